/*
 * What a description or candidate says about where its sender is. Before admission two people only meet at the relay: what
 * leaves names no address but the relay's, and packets are sent to no other. The other party is authenticated by then, and
 * still a stranger: what it calls a relay's candidate may be anything.
 */

/** A candidate of the relay, without the address that it is related to: that is the sender's own (RFC 8839 §5.1); null for any other. */
export function relayedCandidate(candidate: string): string | null {
  if (typeOf(candidate) !== "relay") return null;
  return candidate.replace(/ raddr \S+ rport \d+/i, " raddr 0.0.0.0 rport 9");
}

/**
 * A description with the relay's candidates only. Browsers also write the address of the best candidate into `c=`, `a=rtcp:` and
 * the port of `m=`; with trickled candidates nobody reads these (RFC 8840 §4.1.1).
 */
export function relayedDescription(sdp: string): string {
  return sdp
    .split(/\r\n|\r|\n/)
    .flatMap((line) => {
      if (/^a=candidate:/i.test(line)) return relayedCandidate(line) ?? [];
      if (/^a=end-of-candidates/i.test(line)) return [];
      if (/^c=/i.test(line)) return "c=IN IP4 0.0.0.0";
      if (/^a=rtcp:/i.test(line)) return "a=rtcp:9 IN IP4 0.0.0.0";
      if (/^o=/i.test(line)) return line.replace(/ IN IP[46] \S+$/, " IN IP4 127.0.0.1");
      return line.replace(/^(m=\S+) \d+ /i, (_, media: string) => `${media} 9 `);
    })
    .join("\r\n");
}

/** The candidates of a description that are not the relay's: with `mid` of their line. */
export function otherCandidates(sdp: string): { cand: string; mid: string }[] {
  const found: { cand: string; mid: string }[] = [];
  for (const section of sdp.split(/^(?=m=)/m)) {
    const mid = /^a=mid:(\S+)/m.exec(section)?.[1] ?? "0";
    for (const [, cand = ""] of section.matchAll(/^a=(candidate:[^\r\n]*)/gm))
      if (typeOf(cand) !== "relay") found.push({ cand, mid });
  }
  return found;
}

/** The addresses of the relay, by what it has given to us. */
export function relayAddresses(sdp: string): Set<string> {
  const relayed = [...sdp.matchAll(/^a=(candidate:[^\r\n]*)/gm)].filter(([, cand = ""]) => typeOf(cand) === "relay");
  return new Set(relayed.map(([, cand = ""]) => addressOf(cand)));
}

/** Whether a candidate lies at one of these addresses, and says that it is a relay's. */
export function liesAt(candidate: string, addresses: ReadonlySet<string>): boolean {
  return typeOf(candidate) === "relay" && addresses.has(addressOf(candidate));
}

function typeOf(candidate: string): string {
  const [, , , , , , typ, type = ""] = fieldsOf(candidate);
  return typ === "typ" ? type : "";
}

function addressOf(candidate: string): string {
  return fieldsOf(candidate)[4] ?? "";
}

/** As browsers see them: between single spaces, whatever other white space there is. */
function fieldsOf(candidate: string): string[] {
  return candidate.toLowerCase().split(" ");
}
