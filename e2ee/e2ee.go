// Package e2ee turns a shared link into keys and seals what two people say:
// bytes in, bytes out. It is the Go side of the protocol 1v1e; the whole of it
// is in docs/protocol.md, its twin is web/src/engine/e2ee.
//
// # The protocol on one page
//
// A call has one link per side. The host's carries a seed; from it follow the
// host's signing key, its key at the server, and the link secret L. The guest's
// link carries L and a hash of the host's signing key. Both know the call id, a
// pre-shared key and the outer key, all derived from L; whoever holds the
// guest's link can be a guest and can never be the host.
//
//	guest                              host
//	  │  M1  Yg, ML-KEM key, caps        │
//	  │ ───────────────────────────────▶ │
//	  │  M2  Yh, ciphertext, H(rH), signature over all so far
//	  │ ◀─────────────────────────────── │
//	  │  M3  rG, tag                     │  a wrong password ends here, and counts
//	  │ ───────────────────────────────▶ │
//	  │  M4  rH, tag                     │
//	  │ ◀─────────────────────────────── │
//	  │  sealed JSON, both ways          │
//
// Y are CPace shares over ristretto255, made from link secret and password. The
// root key mixes CPace, ML-KEM-768 and the pre-shared key: an attacker needs all
// three. The host proves its key first, so a guest never spends its password on
// an impostor; the guest confirms first, so an impostor guest learns one bit per
// run, and the host counts those ([Budget]). The verification words ([SAS]) come
// from nonces of which one was committed to before the other was known.
//
// Everything above travels in outer frames, padded and sealed under the link's
// outer key, so the server sees sizes and times and nothing else.
//
// # Using it
//
// [Host] and [Guest] are machines without I/O, clock or goroutines: report what
// happened, then carry out the effects of Drain; call Tick at Deadline.
// [Session] is what they hand out in [Ready]. Its [Session.Bind] ties the media
// connection to the handshake, [Session.SealData] protects the data channel.
// The machines seal and open for the data channel, too: a frame names its epoch,
// and its keys may change at any time.
//
// # Coming back
//
// After a lost connection the same four messages run again, with a secret of
// the last session mixed in ([ResumeState]): the host knows the guest again and
// admits it, under fresh keys and the next epoch.
//
// Re-keying does the same to a living session, in sealed messages ([Say]) and
// with fresh values in place of the connection ids, by itself every
// [RekeyInterval] or when [Guest.Rekey] or [Host.Rekey] asks. It ends in an
// [Epoch], and never ends a session: what is lost or wrong is tried again.
//
// Media frames are encrypted a second time (SFrame, RFC 9605: [FrameSealer], [FrameOpener]) under keys
// derived from [Session.Media]. A client says in [Caps] whether it can.
//
// # Secrets
//
// Types that hold secrets print as [redacted]. Intermediate secrets are wiped
// after use, as far as Go lets one.
package e2ee
