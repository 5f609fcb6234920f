package hostile

import (
	"slices"
	"strings"
)

// Attacks is the table. Ids are never reused: A are those that were planned for,
// B those that were found on the way.
func Attacks() []Attack {
	rows := slices.Concat(overTheWire(), inTheHandshake(), fromThePeer(), atTheServer(), foundOnTheWay())
	slices.SortFunc(rows, func(a, b Attack) int { return strings.Compare(a.ID, b.ID) })
	return rows
}

// overTheWire: a relay that everybody takes for the server.
func overTheWire() []Attack {
	return []Attack{
		{"A01", "keeps every frame, its memory, disk and log, and looks for names, passwords, words, keys, descriptions", "server", "nothing found", inGo("./test/scan", "TestServerIsBlind")},
		{"A02", "flips a byte of every frame", "native", "E_TIMEOUT, never proven", here("TestFlippedFrames")},
		{"A03", "delivers old frames again", "native", "dropped, call is live", here("TestReplayedFrames")},
		{"A04", "replays the whole handshake of another day to a host that remembers nothing", "native", "E_CONFIRM at the host, nobody knocks", here("TestReplayedHandshake")},
		{"A05", "loses a sealed frame", "native", "new handshake, call is live", here("TestLostSealedFrame")},
		{"A07", "rewrites the guest's session description under its seal", "native", "E_TIMEOUT, no media", here("TestRewrittenDescriptions")},
		{"A20", "gives each frame back to its sender, under the sender's own connection id", "native", "E_TIMEOUT, never proven", here("TestReflection")},
		{"A21", "lets a second visitor take the first one's connection id and replay it", "native", "the first guest is let in, the second is nobody", here("TestStolenSlot")},
		{"A24", "tells two guests that each is the other's host", "native", "E_TIMEOUT, never proven", here("TestTwoGuests")},
		{"A27", "changes what the host signed: capabilities, epoch, share, ciphertext", "both", "E_HOSTSIG", unitE2EE("TestForgedHostSignature")},
		{"A31", "loses every third packet while keys are renewed; keeps frames of the old epoch for later", "both", "the picture goes on; after 10 s the old keys are gone", all(page("e2e/engine/rekey.spec.ts", "A31"), unitE2EE("TestLostRekeyMessages"), unitE2EE("TestA31OldKeysFade"))},
		{"A53", "an implementation that differs", "both", "the same bytes in Go and TypeScript", all(inTS("src/engine/e2ee/interop.test.ts"), inTS("src/engine/e2ee/vectors.test.ts"), unitE2EE("TestVectorHandshake"), unitE2EE("TestVectorCPace"), unitE2EE("TestSFrameHeaderVectors"), unitE2EE("TestSFrameSuiteVector"))},
	}
}

// inTheHandshake: guests and hosts who are not what they say.
func inTheHandshake() []Attack {
	return []Attack{
		{"A06", "a visitor who was not let in asks for the relay and talks of media", "native", "E_STATE, no address, no relay", here("TestNotAdmitted")},
		{"A08", "somebody with link and password, without the host's key, plays the host", "native", "E_HOSTKEY, no M3", here("TestFakeHost")},
		{"A09", "a fake host shows the real public key and signs with its own", "both", "E_HOSTSIG", unitE2EE("TestForgedHostSignature")},
		{"A10", "splices a signed M2", "both", "E_HOSTSIG", unitE2EE("TestForgedHostSignature")},
		{"A11", "tries one wrong password", "native", "E_CONFIRM, counted, nobody knocks", inGo("./test/system", "TestPassword")},
		{"A12", "tries five wrong passwords, then the right one", "native", "E_LOCKED until the host allows more", inGo("./test/system", "TestPasswordGuessing")},
		{"A13", "replaces the guest's link and sits in the middle of everything", "native", "words differ, E_SAS_DIFFER", here("TestReplacedLink")},
		{"A14", "a host in the middle changes its nonce once it has seen the guest's", "both", "E_COMMIT", unitE2EE("TestChangedNonceAfterCommitment")},
		{"A15", "tries ciphertexts until the words would match, and sends the best", "both", "no match; the first word matches by chance", unitE2EE("TestGroundCiphertexts")},
		{"A16", "fifty visitors with the link leave after the host's answer", "native", "no guess counted, E_BUSY after 20", here("TestAbandoned")},
		{"A17", "sends the identity, and points in other encodings", "both", "E_POINT", unitE2EE("TestVectorCPace")},
		{"A18", "sends ML-KEM keys with large coefficients, and of other sizes", "both", "E_KEM", unitE2EE("TestKEMKeySizes")},
		{"A19", "a host signs a corrupt ciphertext or share", "both", "E_CONFIRM or E_POINT, no panic", unitE2EE("TestHostileButSignedM2")},
		{"A25", "cuts, extends and distorts every message and link", "both", "E_PARSE, no panic", unitE2EE("TestCutAndLongMessages")},
		{"A26", "names another version", "both", "E_VERSION", unitE2EE("TestParseFragmentRefuses")},
		{"A28", "says that it was in the call before, with an unknown id or with an id and no secret", "native", "a fresh session, and a knock; E_CONFIRM with an id alone", all(here("TestUnknownResume"), unitE2EE("TestResumeSecretIsNeededAndUsedOnce"))},
		{"A29", "a host resumes what nobody asked for, jumps over epochs, or goes back", "both", "E_EPOCH", all(unitE2EE("TestEpochRules"), unitE2EE("TestA29RekeyToAnotherEpoch"))},
		{"A30", "uses a resume secret again, or an id without its secret", "both", "fresh session, or E_CONFIRM", all(unitE2EE("TestResumeSecretIsNeededAndUsedOnce"), unitE2EE("TestA30RekeyUsesItsSecretUp"))},
		{"A32", "takes all that both keep after a call, and the link, to open what was recorded", "both", "nothing opens", unitE2EE("TestA32StoredStateOpensNothingRecorded")},
		{"A50", "measures how long a wrong tag takes", "both", "no difference to be measured", unitE2EE("TestTagTiming")},
		{"A51", "waits for a nonce or a scalar to repeat; breaks the source of randomness", "both", "none repeats, no handshake without randomness", unitE2EE("TestNothingRepeats")},
		{"A52", "writes a password another way", "both", "composed and decomposed are one, looks alike is not", unitE2EE("TestPasswordForm")},
	}
}

// fromThePeer: the other party itself is hostile.
func fromThePeer() []Attack {
	return []Attack{
		{"A40", "announces a fingerprint that is not of its certificate", "native", "E_SDP or E_DTLS_FP, no media", inGo("./peer", "TestLies")},
		{"A41", "proves its connection with the proof of another role, epoch or certificate", "both", "E_BIND", unitE2EE("TestBindIsBoundToEverything")},
		{"A42", "two fingerprints, SHA-1, SDES keys, 10 and 500 m-lines (9 are the most), a megabyte", "native", "E_SDP", inGo("./peer", "TestCheckSDPRefuses")},
		{"A43", "names loopback, link-local and multicast candidates, names and TCP", "native", "nothing is sent there", inGo("./peer", "TestReach")},
		{"A44", "a name with markup, direction marks and control characters", "browser", "shown as text, cleaned", page("e2e/hostile.spec.ts", "names and messages are text")},
		{"A45", "chat and files with markup and scripts, a message of 1 GB", "browser", "shown as text, saved as bytes, not taken", all(page("e2e/hostile.spec.ts", "names and messages are text"), page("e2e/hostile.spec.ts", "A45"))},
		{"A33", "joins with a browser that cannot encrypt frames", "browser", "not called post-quantum; E_POLICY where it is demanded", page("e2e/sframe.spec.ts", "A33")},
		{"A34", "makes a transceiver two-way, where Chromium skips the transform", "browser", "none is in the source; E_SFRAME within a second, the track is detached", all(inTS("src/engine/sframe/watchdog.test.ts"), page("e2e/sframe.spec.ts", "A35"))},
		{"A35", "takes the transform of a sender away in mid-call", "browser", "alarm on both sides, frames are dropped", page("e2e/sframe.spec.ts", "A35 and A36")},
		{"A36", "sends frames in clear to somebody who expects sealed ones", "both", "dropped, never shown", all(page("e2e/sframe.spec.ts", "A35 and A36"), inTS("src/engine/sframe/sframe.test.ts"), unitE2EE("TestChangedFramesDoNotOpen"))},
		{"A37", "sends a frame again, or one of an old epoch, another kind or the other direction", "both", "dropped", all(unitE2EE("TestOnlyFreshFramesOfThisStreamOpen"), unitE2EE("TestReplayWindow"), inTS("src/engine/sframe/sframe.test.ts"))},
		{"A38", "flips a bit of what VP8 leaves in clear", "both", "dropped", all(unitE2EE("TestChangedFramesDoNotOpen"), inTS("src/engine/sframe/sframe.test.ts"))},
		{"A39", "kills the worker that encrypts", "browser", "fresh keys, no counter starts again, the picture is back", all(page("e2e/sframe.spec.ts", "A39"), unitE2EE("TestKeysSetAgainDoNotReuseCounters"))},
		{"A60", "was removed, kept a copy of its seat, and comes again with that", "browser", "has to knock", page("e2e/engine/rekey.spec.ts", "A60")},
	}
}

// atTheServer: somebody attacks the server, or through it somebody else.
func atTheServer() []Attack {
	return []Attack{
		{"A22", "joins as host without the key, with an old signature, or one for another origin", "server", "E_AUTH", unitSignaling("TestHostMustProveItself")},
		{"A23", "the host opens the call on another device", "native", "E_REPLACED at the first", inGo("./test/system", "TestHostReplaced")},
		{"A46", "serves the app with a byte more", "browser", "it does not run, verify-web exits 2, the page of the own binary is as it was", all(page("e2e/code.spec.ts", "a server that adds one byte"), page("e2e/code.spec.ts", "the page from one's own binary"))},
		{"A47", "writes script and handlers into the page", "browser", "nothing of it runs", page("e2e/hostile/page.spec.ts", "A47")},
		{"A48", "looks for a link's secret in requests, headers, frames, log and history", "browser", "nothing found", page("e2e/hostile/page.spec.ts", "A48")},
		{"A49", "frames the page, or opens it to keep a hand on it", "browser", "blocked, out of reach at once", page("e2e/hostile/page.spec.ts", "A49")},
		{"A61", "a fifth visitor, and one of a call that is taken", "server", "E_BUSY or E_LOCKED, and nothing else", unitSignaling("TestFullAndLocked")},
		{"A62", "compares an unknown call id with one whose host is away, word by word and 1 000 times by the clock", "server", "the same answer, in the same time", all(unitSignaling("TestUnknownLooksLikeOffline"), here("TestCallIDTiming"))},
		{"A73", "uses the relay without, with expired, with forged credentials, or after the end", "server", "401, allocation removed", all(unitRelay("TestCredentials"), unitRelay("TestEndCallCutsConnection"), unitRelay("TestEndIsAtOnce"), unitRelay("TestRevoke"))},
		{"A74", "asks the relay for loopback, private, mapped and metadata addresses", "server", "403", unitRelay("TestForeignPeersRefused")},
		{"A75", "two calls try to reach each other through the relay", "server", "nothing is delivered", all(unitRelay("TestOtherCallUnreachable"), inGo("./internal/relay/offload", "TestRouteIsReused"))},
		{"A76", "asks for TCP to elsewhere (RFC 6062)", "server", "refused", unitRelay("TestTCPRelayingRefused")},
		{"A77", "100 allocations, 100 000 packets of any size at once", "server", "486, policed", all(unitRelay("TestHundredAllocations"), unitRelay("TestQuotas"), unitRelay("TestHundredThousandPackets"), unitRelay("TestRateLimits"), unitRelay("TestKernelKeepsRates"), unitRelay("TestKernelKeepsRatesOfEachEnd"))},
		{"A78", "floods with forged source addresses", "server", "at most 1.5 bytes out for one in", unitRelay("TestUnauthenticatedFlood")},
		{"A79", "opens the WebSocket from evil.example, null, another scheme or port, host.evil", "server", "403", unitSignaling("TestOriginOverTheWire")},
		{"A80", "trickles bytes, never joins, never reads, sends 100 MB, opens 10 000 connections", "server", "closed by deadline or limit, little memory", all(unitSignaling("TestTrickledFrameIsCut"), unitSignaling("TestJoinDeadline"), unitSignaling("TestSlowReaderIsClosed"), unitSignaling("TestSilentClientIsCut"), unitSignaling("TestHugeFrameIsCut"), unitSignaling("TestManyConnections"))},
		{"A81", "tries a million call ids", "server", "rate limited; no hit, nothing is kept", all(unitSignaling("TestConnectRate"), unitSignaling("TestScanOfCallIDs"))},
		{"A82", "restarts the server in a call", "native", "media goes on, both come back", all(inGo("./test/system", "TestServerRestart"), inGo("./test/system", "TestA82RekeyAndServerRestart"))},
		{"A83", "reads memory, disk and log after a whole call", "server", "nothing found", inGo("./test/scan", "TestServerIsBlind")},
		{"A84", "changes the hash of a Go module, or of an npm package", "build", "the build refuses", all(here("TestTamperedDependency"), here("TestTamperedPackage"))},
		{"A85", "loses every fifth packet, cuts them to 1 200 bytes, leaves IPv6 only, or the relay only, between a terminal and a browser", "both", "connected, proven, picture and sound", page("e2e/lab/interop.spec.ts", "A85")},
	}
}

// foundOnTheWay: not planned for.
func foundOnTheWay() []Attack {
	return []Attack{
		{"B01", "says joined twice, so that a counter starts again and two frames share key and nonce", "both", "no counter starts again", here("TestJoinedTwice")},
		{"B02", "announces a visitor's connection again and replays its M1 and M3 as wrong passwords", "both", "no guess is counted", here("TestReplayedGuess")},
		{"B03", "hands frames of one call to the other", "native", "dropped, call is live", here("TestSplicedCalls")},
		{"B04", "accepts the connection and never answers, or stops half way", "native", "E_TIMEOUT, said", here("TestSilentServer")},
		{"B05", "names STUN and TURN servers on other machines, before anybody is proven", "native", "no packet leaves for them", here("TestForeignServers")},
		{"B06", "floods both parties of a call with malformed, huge and repeated messages", "native", "ignored, call goes on", here("TestFloodedClient")},
		{"B07", "damages every frame for a page", "browser", "the page says so, no words", page("e2e/hostile/server.spec.ts", "A02")},
		{"B08", "plays the host towards a page without the host's key", "browser", "the page says so, no M3", page("e2e/hostile/server.spec.ts", "A08")},
		{"B09", "says joined twice to a page", "browser", "no counter starts again", page("e2e/hostile/server.spec.ts", "B01")},
		{"B10", "accepts a page's connection and never answers", "browser", "the page says so", page("e2e/hostile/server.spec.ts", "B04")},
		{"B11", "names STUN and TURN servers on other machines to a page, and names that are none", "browser", "not used, call is live", page("e2e/hostile/server.spec.ts", "B05")},
		{"B12", "ends a call in the moment of a client's first permission at the relay", "server", "the relay goes on", all(unitRelay("TestEndMeetsFirstPermission"), unitRelay("TestEndMeetsPermissionsAgain"))},
		{"B13", "says of a call's host that it comes and goes, so that answers meet later questions", "native", "the picture goes on, over the same connection", here("TestHostComesAndGoes")},
		{"B14", "floods both pages of a call, makes the host come and go, puts junk into a new handshake", "browser", "the picture goes on, over the same connection", page("e2e/hostile/junk.spec.ts", "B06")},
		{"B15", "is told to leave and begins a frame that never ends; or is a server, and the client wants to leave", "both", "let go after 5 s", all(unitSignaling("TestUnfinishedFrameAtTheEnd"), inGo("./peer", "TestUnfinishedFrameAtTheEnd"))},
		{"B16", "says in mid-call that the call has ended, was opened elsewhere, or is refused", "both", "the picture goes on, over the same connection", all(here("TestServersLastWord"), page("e2e/hostile/junk.spec.ts", "B16"))},
		{"B40", "gives seats to clients in both roles and waits for them to be shown", "native", "shown once, to the server it is from", here("TestSeatIsShownOnce")},
		{"B41", "somebody with the link, and with an old, a foreign or a guessed seat, wants the place of a guest", "server", "no sooner than without one", unitSignaling("TestStolenSeat")},
		{"B42", "uses the network check from a foreign page, without end, or to have something sent elsewhere", "server", "refused, few, nothing leaves", all(unitSignaling("TestCheckRefusals"), unitSignaling("TestChecksAreFew"), unitRelay("TestCheckStaysInTheLoop"), unitRelay("TestCheckIsSmall"), unitRelay("TestCheckIsOverWithItsNearEnd"), inGo("./internal/mirror", "TestOffersThatAreRefused"))},
		{"B43", "hides where a candidate points: other white space between its fields, so that a check and the browser read different addresses", "both", "nothing is sent there", all(inTS("src/engine/candidate.test.ts"), inTS("src/engine/discretion.test.ts"), inGo("./peer", "TestReach"))},
		{"B44", "waits at the door and floods the host's line through the relay from many allocations, uses up the call's share, or keeps the relay", "server", "policed, the next guest has all of it, revoked", all(unitRelay("TestManySendersFillNoReceiver"), unitRelay("TestRevokedGuestLeavesTheVolume"), inGo("./internal/call", "TestNext"), inGo("./internal/call", "TestDropRevokesRelay"))},
		{"B45", "leads a client that asks for signaling to another machine, or round in a circle", "native", "given up; nobody else is asked", inGo("./peer", "TestRedirects")},
		{"B46", "a server under examination names STUN on, and leads to, machines next to whoever examines it", "native", "not asked, and said", all(inGo("./internal/doctor", "TestStrangerLeadsNowhere"), inGo("./internal/doctor", "TestEndlessRedirects"))},
		{"B47", "writes over the terminal by the names in its certificate or by its refusals, and refuses in the host's name with words of its own", "native", "told without control characters, no words of the host", all(here("TestServerSpeaksForHost"), inGo("./cmd/visavis", "TestNamesInForeignCertificates"), inGo("./internal/probe", "TestDetailIsClean"))},
		{"B48", "is the ACME server and asks about names that were not ordered; or offers acme-tls/1 when nobody is expected", "server", "no record, no answer, no certificate", all(inGo("./internal/certs", "TestForeignNames"), inGo("./internal/certs", "TestNobodyIsExpected"))},
		{"B49", "opens HTTP connections without end and keeps them, on the port itself or on that without TLS", "server", "512 for an address, others are served; none stays without TLS", all(inGo("./internal/httpd", "TestOneClientKeepsConnections"), inGo("./internal/httpd", "TestPlainServerLetsGo"))},
		{"B50", "reads so slowly that something always waits for it, and never so much that it is too slow", "server", "no more memory than for a queue", unitSignaling("TestQueueThatIsNeverEmpty")},
		{"B51", "sends nothing but pings, pongs that nobody asked for, or empty parts of one message, as fast as it can", "server", "cut at the rate of frames, or at the 65th part", all(unitSignaling("TestPingsAreFrames"), unitSignaling("TestEmptyPartsEnd"))},
		{"B52", "are several, all send what they may to a host or guest that reads little: many frames, or long ones", "server", "2 MB wait for a client at most, a host stays, every guest is heard", all(unitSignaling("TestGuestsTogether"), unitSignaling("TestQueueOfLongFrames"))},
	}
}
