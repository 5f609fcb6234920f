// The other party is authenticated but not trusted: its candidates must not make this browser look up names, connect by
// TCP, or probe services on its own machine. The native client has the same rules (peer/candidate.go).

const LIMIT = 512; // characters of one candidate
/**
 * Fields with one space between them (RFC 8839 §5.1). Parsers disagree about any other white space: to Chromium a tab is
 * part of a field, and it would find its address elsewhere than we.
 */
const FORM = /^[!-~]+( [!-~]+)*$/;

/** Whether packets may be sent to what a candidate names (RFC 8839 §5.1). `local`: the server is on this machine, so the other party is. */
export function allowsCandidate(candidate: string, local: boolean): boolean {
  if (candidate.length > LIMIT || !FORM.test(candidate)) return false;
  const fields = candidate.replace(/^(a=)?candidate:/i, "").split(" ");
  const [, , transport = "", , address = "", port = ""] = fields;
  if (fields.length < 8 || transport.toLowerCase() !== "udp") return false;
  if (!/^[1-9][0-9]{0,4}$/.test(port) || Number(port) > 0xffff) return false;
  // Of names only those of mDNS (RFC 8828): any other would be a DNS query on request, also where media is relayed.
  if (/^[^./:\s]+\.local$/i.test(address)) return true;
  const octets = address.includes(":") ? fromV6(address) : fromV4(address);
  return octets !== null && allowsAddress(octets, local);
}

/** A description without the candidates that are not allowed. */
export function withAllowedCandidates(sdp: string, local: boolean): string {
  const lines = sdp.split(/\r\n|\r|\n/);
  return lines.filter((line) => !/^a=candidate:/i.test(line) || allowsCandidate(line, local)).join("\r\n");
}

/** Whether a host name (without port) is this machine. */
export function isThisMachine(hostname: string): boolean {
  return /^(.*\.)?localhost$|^127\.[0-9.]+$|^\[::1\]$/i.test(hostname);
}

/** IPv4 as 4 octets or IPv6 as 16. */
type Octets = readonly number[];

function allowsAddress(octets: Octets, local: boolean): boolean {
  const [a = 0, b = 0] = octets;
  if (octets.every((o) => o === 0)) return false; // unspecified
  if (octets.length === 4) {
    if (a === 127) return local;
    return a !== 0 && a < 224 && !(a === 169 && b === 254); // multicast, broadcast, link-local
  }
  const mapped = octets.slice(0, 10).every((o) => o === 0) && octets[10] === 0xff && octets[11] === 0xff;
  if (mapped) return allowsAddress(octets.slice(12), local);
  if (octets.slice(0, 15).every((o) => o === 0) && octets[15] === 1) return local;
  return a !== 0xff && !(a === 0xfe && (b & 0xc0) === 0x80);
}

/** Four decimal numbers and nothing else: resolvers take 127.1 and 0x7f000001 for addresses, too. */
function fromV4(text: string): Octets | null {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((p) => /^(0|[1-9][0-9]{0,2})$/.test(p) && Number(p) < 256)) return null;
  return parts.map(Number);
}

function fromV6(text: string): Octets | null {
  if (!/^[0-9a-f:.]+$/i.test(text) || !URL.canParse(`http://[${text}]/`)) return null;
  const [head = "", tail] = new URL(`http://[${text}]/`).hostname.slice(1, -1).split("::");
  const groups = (s: string) => (s === "" ? [] : s.split(":").map((g) => parseInt(g, 16)));
  const left = groups(head);
  const right = groups(tail ?? "");
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => 0);
  return [...left, ...zeros, ...right].flatMap((g) => [g >> 8, g & 0xff]);
}
