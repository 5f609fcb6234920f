/** What the page can say about its own code. A page that lies can say anything: the check that counts comes from outside. */
export interface CodeCheck {
  readonly digest: string; // sha-256 of the list of files, 64 hex digits
  readonly checked: number; // files of this page that were compared with the list
  readonly differing: number;
}

interface Listed {
  readonly path: string;
  readonly sha256: string;
}

const list = "/bundle.json";

/**
 * Reads the list of files and compares what this page has loaded with it; rejects if the server does not answer. `loaded`
 * are addresses, this page's own files among them.
 */
export async function checkCode(loaded: readonly string[], origin: string, get: typeof fetch): Promise<CodeCheck> {
  const answer = await get(list, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${list}: ${answer.status}`);
  const bytes = await answer.arrayBuffer();
  const listed = entries(JSON.parse(new TextDecoder().decode(bytes)) as unknown);
  const bare = loaded.map((address) => address.replace(/#.*/, "")); // an icon of the sprite
  const paths = new Set(bare.filter((address) => address.startsWith(`${origin}/assets/`)));
  const verdicts = await Promise.all([...paths].map((address) => matches(address, origin, listed, get)));
  return {
    digest: await sha256(bytes),
    checked: verdicts.length,
    differing: verdicts.filter((same) => !same).length,
  };
}

function entries(value: unknown): ReadonlyMap<string, string> {
  const files = (value as { files?: unknown } | null)?.files;
  if (!Array.isArray(files)) throw new Error(`${list} is not a list of files`);
  return new Map((files as Listed[]).map(({ path, sha256 }) => [path, sha256]));
}

async function matches(
  address: string,
  origin: string,
  listed: ReadonlyMap<string, string>,
  get: typeof fetch,
): Promise<boolean> {
  const answer = await get(address, { cache: "force-cache" }); // the bytes that ran, where the browser still has them
  const path = new URL(address).href.slice(origin.length + 1);
  return answer.ok && listed.get(path) === (await sha256(await answer.arrayBuffer()));
}

async function sha256(bytes: ArrayBuffer): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Groups of four, to read and compare. */
export function grouped(digest: string): string {
  return digest.match(/.{1,4}/g)?.join(" ") ?? "";
}
