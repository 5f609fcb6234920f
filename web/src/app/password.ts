/** What is wrong with a password for a call; null when it will do. */
export type PasswordProblem = "short" | "obvious" | "long";

const maxBytes = 256; // docs/protocol.md section 3

/**
 * A guest has five guesses, so six digits or two words are enough: one chance in two hundred thousand. What everybody
 * tries first is refused all the same.
 */
export function passwordProblem(password: string): PasswordProblem | null {
  if (new TextEncoder().encode(password.normalize("NFC")).length > maxBytes) return "long";
  const digits = password.replace(/\D/g, "");
  const words = password.split(/[^\p{L}\p{M}]+/u).filter((word) => [...word].length >= 3);
  if (digits.length < 6 && words.length < 2 && [...password].length < 10) return "short";
  const bare = password.replace(/\s/g, "");
  const steps = new Set([...bare].slice(1).map((char, i) => char.charCodeAt(0) - bare.charCodeAt(i)));
  if (steps.size === 1 && Math.abs([...steps][0] ?? 2) <= 1) return "obvious";
  return null;
}

/** Six digits, evenly distributed: easy to say over the telephone in any language. */
export function suggestPassword(random: (length: number) => Uint8Array): string {
  const span = 1_000_000;
  const limit = Math.floor(2 ** 32 / span) * span; // above it, remainders would not be even
  for (;;) {
    const bytes = random(4);
    const value = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
    if (value >= limit) continue;
    const password = String(value % span).padStart(6, "0");
    if (passwordProblem(password) === null) return password;
  }
}
