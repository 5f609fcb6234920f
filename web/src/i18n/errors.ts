import type { ErrorCode } from "../protocol/messages.gen.ts";
import { m } from "./paraglide/messages.js";

const texts: Readonly<Record<ErrorCode | "offline" | "server-away" | "token-required", () => string>> = {
  offline: m.error_offline,
  "server-away": m.error_server_away,
  "token-required": m.error_auth,
  E_VERSION: m.error_version,
  E_PARSE: m.error_parse,
  E_OUTER: m.error_tampered,
  E_POINT: m.error_tampered,
  E_KEM: m.error_tampered,
  E_HOSTKEY: m.error_hostkey,
  E_HOSTSIG: m.error_hostkey,
  E_CONFIRM: m.error_confirm,
  E_COMMIT: m.error_tampered,
  E_EPOCH: m.error_tampered,
  E_SEQ: m.error_tampered,
  E_STATE: m.error_state,
  E_TIMEOUT: m.error_timeout,
  E_POLICY: m.error_policy,
  E_PASSWORD_FORM: m.error_password_form,
  E_PW_REQUIRED: m.error_password_required,
  E_LOCKED: m.error_locked,
  E_BUSY: m.error_busy,
  E_DENIED: m.error_denied,
  E_SDP: m.error_media_rules,
  E_DTLS_FP: m.error_media_binding,
  E_BIND: m.error_media_binding,
  E_SFRAME: m.error_media_binding,
  E_SAS_DIFFER: m.error_words_differ,
  E_CONSENT: m.error_consent,
  E_REPLACED: m.error_replaced,
  E_RATE: m.error_rate,
  E_SIZE: m.error_size,
  E_ORIGIN: m.error_origin,
  E_AUTH: m.error_auth,
  E_GONE: m.error_gone,
  E_INTERNAL: m.error_internal,
};

/** What happened, on whose side, and the next step. A code we do not know counts as the server's fault. */
export function errorText(code: string): string {
  return (Object.hasOwn(texts, code) ? texts[code as ErrorCode] : m.error_internal)();
}
