//go:build ignore

// SPDX-License-Identifier: Apache-2.0
//
// The relay's work in the kernel: ChannelData that one client of a call sends to another
// is rewritten where it comes in and leaves at once. Which channels lead where is written
// into the map by the server, and taken out by it; what is not in the map, and all that is
// unusual, goes up to the server as if this were not here.
//
// Build: scripts/build-offload.sh.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define SECOND 1000000000ULL
// Longer packets are the server's: a way with a smaller MTU than this is none for calls, and
// only the server knows what the machine has learned of a way (RFC 8200 §5, 8899 §5.1.2).
#define LARGEST 1280
// As many datagrams of one sender as Linux makes one packet of (UDP_GRO_CNT_MAX, UDP_MAX_SEGMENTS).
#define SEGMENTS 64
// Ethernet fills up a frame that is shorter, its checksum not counted (IEEE 802.3 §4.2.3.3).
#define SHORTEST 60

struct channel_data {
	__be16 number;
	__be16 length;
};

// key is how a packet comes in.
struct key {
	__be32 client;
	__be32 server;
	__be16 client_port;
	__be16 server_port;
	__be16 number;
	__u16 zero;
};

// route is how it goes out, and who pays for it.
struct route {
	__be32 client;
	__be32 server;
	__be16 client_port;
	__be16 server_port;
	__be16 number;
	__u16 zero;
	__u32 interface;
	__u32 sender;   // of ledgers
	__u32 receiver; // of ledgers
	__u32 account;  // of accounts
};

// ledger is two token buckets, of one direction of an allocation. What is spent is in
// billionths of a packet and of a bit, and comes back with each nanosecond.
struct ledger {
	struct bpf_spin_lock lock;
	__u32 zero;
	__u64 before; // ns
	__u64 packets;
	__u64 bits;
};

struct account {
	__u64 packets;
	__u64 bytes;
	__u64 packet_rate; // dropped
	__u64 bit_rate;    // dropped
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct key);
	__type(value, struct route);
} routes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 16384);
	__type(key, __u32);
	__type(value, struct ledger);
} ledgers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct account);
} accounts SEC(".maps");

// alive is until when somebody counts what is forwarded, in ns.
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} alive SEC(".maps");

volatile const __u64 bits_per_second = 8000000;
volatile const __u64 packets_per_second = 2000;

enum { PASS, PACKET_RATE, BIT_RATE };

#define IP_AT sizeof(struct ethhdr)
#define UDP_AT (IP_AT + sizeof(struct iphdr))
#define DATA_AT (UDP_AT + sizeof(struct udphdr))
#define CHECK_AT (UDP_AT + __builtin_offsetof(struct udphdr, check))

// burst is the packets that came in as one: the kernel gathers what follows each other
// from one sender to one port, all of a length but the last (udp(7), UDP_GRO).
struct burst {
	__u32 packets;
	__u32 size; // of the data in their channel
};

// take has all of a burst or nothing: it cannot be cut here.
static __always_inline int take(struct ledger *l, const struct burst *b, __u64 now)
{
	__u64 packets = b->packets * SECOND, bits = 8 * b->size * SECOND;
	int verdict = PASS;
	__u64 rate_bits = bits_per_second, rate_packets = packets_per_second;

	bpf_spin_lock(&l->lock);
	if (now > l->before) {
		__u64 gone = now - l->before;
		if (gone > SECOND)
			gone = SECOND; // by then both are full
		__u64 more_bits = gone * rate_bits, more_packets = gone * rate_packets;
		l->bits = l->bits > more_bits ? l->bits - more_bits : 0;
		l->packets = l->packets > more_packets ? l->packets - more_packets : 0;
		l->before = now;
	}
	if (l->packets + packets > rate_packets * SECOND) {
		verdict = PACKET_RATE;
	} else {
		l->packets += packets;
		if (l->bits + bits > rate_bits * SECOND)
			verdict = BIT_RATE;
		else
			l->bits += bits;
	}
	bpf_spin_unlock(&l->lock);
	return verdict;
}

static __always_inline int refuse(struct account *a, const struct burst *b, int verdict)
{
	if (verdict == PACKET_RATE)
		__sync_fetch_and_add(&a->packet_rate, b->packets);
	else
		__sync_fetch_and_add(&a->bit_rate, b->packets);
	return TC_ACT_SHOT;
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

// fits reports whether ChannelData of this length fills a datagram: it is not cut, and
// nothing follows but padding (RFC 8656 §12.5).
static __always_inline int fits(__u32 length, __u32 datagram)
{
	__u32 needed = sizeof(struct channel_data) + length;
	return datagram >= needed && datagram <= ((needed + 3) & ~3U);
}

// measure looks at each packet of a burst. It fails if they are not all as one alone has to
// be, and of one channel.
static __always_inline int measure(struct __sk_buff *skb, __be16 number, __u32 payload, struct burst *b)
{
	__u32 step = skb->gso_size, at = 0;

	// Packets that hang together by their headers are not changed here: each has a checksum of its
	// own, made good already (SKB_GSO_FRAGLIST). In all others there is none yet (CHECKSUM_PARTIAL).
	if (bpf_csum_level(skb, BPF_CSUM_LEVEL_QUERY) >= 0)
		return -1;
	b->packets = b->size = 0;
	for (int i = 0; i < SEGMENTS && at < payload; i++) {
		struct channel_data c;
		__u32 datagram = payload - at;
		if (datagram > step)
			datagram = step;
		if (bpf_skb_load_bytes(skb, DATA_AT + at, &c, sizeof(c)) || c.number != number ||
		    !fits(bpf_ntohs(c.length), datagram))
			return -1;
		b->packets++;
		b->size += bpf_ntohs(c.length);
		at += step;
	}
	return at >= payload && b->packets > 1 ? 0 : -1;
}

// renumber changes the channel in the packets of a burst after the first.
static __always_inline int renumber(struct __sk_buff *skb, __be16 number, __u32 packets)
{
	__u32 step = skb->gso_size, at = DATA_AT;

	for (__u32 i = 1; i < SEGMENTS && i < packets; i++) {
		at += step;
		if (bpf_skb_store_bytes(skb, at, &number, sizeof(number), 0))
			return -1;
	}
	return 0;
}

static __always_inline int rewrite(struct __sk_buff *skb, const struct key *k, const struct route *r)
{
	// In the checksum: addresses as part of the pseudo header, the rest as it is.
	__u64 plain = BPF_F_MARK_MANGLED_0, pseudo = plain | BPF_F_PSEUDO_HDR;
	if (bpf_l4_csum_replace(skb, CHECK_AT, k->client, r->server, pseudo | 4) ||
	    bpf_l4_csum_replace(skb, CHECK_AT, k->server, r->client, pseudo | 4) ||
	    bpf_l4_csum_replace(skb, CHECK_AT, k->client_port, r->server_port, plain | 2) ||
	    bpf_l4_csum_replace(skb, CHECK_AT, k->server_port, r->client_port, plain | 2) ||
	    bpf_l4_csum_replace(skb, CHECK_AT, k->number, r->number, plain | 2))
		return -1;

	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	if (data + DATA_AT + sizeof(struct channel_data) > end)
		return -1;
	struct iphdr *ip = data + IP_AT;
	struct udphdr *udp = data + UDP_AT;
	struct channel_data *channel = data + DATA_AT;
	ip->saddr = r->server;
	ip->daddr = r->client;
	ip->tos = 0;
	ip->ttl = 64;
	ip->check = 0;
	ip->check = fold(bpf_csum_diff(0, 0, (__be32 *)ip, sizeof(*ip), 0));
	udp->source = r->server_port;
	udp->dest = r->client_port;
	channel->number = r->number;
	return 0;
}

SEC("tcx/ingress")
int relay(struct __sk_buff *skb)
{
	// A tag is taken off before the VLAN's own interface, which has this program, too.
	if (skb->protocol != bpf_htons(ETH_P_IP) || skb->vlan_present)
		return TC_ACT_UNSPEC;
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	if (data + DATA_AT + sizeof(struct channel_data) > end) {
		if (bpf_skb_pull_data(skb, DATA_AT + sizeof(struct channel_data)))
			return TC_ACT_UNSPEC;
		data = (void *)(long)skb->data, end = (void *)(long)skb->data_end;
		if (data + DATA_AT + sizeof(struct channel_data) > end)
			return TC_ACT_UNSPEC;
	}
	struct iphdr *ip = data + IP_AT;
	struct udphdr *udp = data + UDP_AT;
	struct channel_data *channel = data + DATA_AT;
	__u32 datagram = bpf_ntohs(udp->len), gathered = skb->gso_size;
	__u32 payload = datagram - sizeof(*udp), longest = gathered ? gathered : payload;
	struct burst burst = { .packets = 1, .size = bpf_ntohs(channel->length) };
	if (ip->version != 4 || ip->ihl != 5 || ip->protocol != IPPROTO_UDP ||
	    ip->frag_off & bpf_htons(0x3fff) || // in pieces
	    (channel->number & bpf_htons(0xf000)) != bpf_htons(0x4000) ||
	    datagram < sizeof(*udp) + sizeof(*channel) ||
	    bpf_ntohs(ip->tot_len) != sizeof(*ip) + datagram ||
	    (skb->len > SHORTEST && skb->len > IP_AT + sizeof(*ip) + datagram) || // would go along uncounted
	    sizeof(*ip) + sizeof(*udp) + longest > LARGEST)
		return TC_ACT_UNSPEC;

	struct key k = {
		.client = ip->saddr, .server = ip->daddr,
		.client_port = udp->source, .server_port = udp->dest,
		.number = channel->number,
	};
	struct route *found = bpf_map_lookup_elem(&routes, &k);
	if (!found)
		return TC_ACT_UNSPEC;
	// It may be taken out at any time, and its place given to another (of the kernel's hash tables).
	struct route r = *found;
	if (gathered ? measure(skb, k.number, payload, &burst) : !fits(burst.size, payload))
		return TC_ACT_UNSPEC;
	int renumbered = gathered && k.number != r.number;
	if (renumbered && bpf_skb_pull_data(skb, skb->len)) // into one piece, while it can still fail
		return TC_ACT_UNSPEC;
	__u32 of_sender = r.sender, of_receiver = r.receiver, of_account = r.account;
	struct ledger *sender = bpf_map_lookup_elem(&ledgers, &of_sender);
	struct ledger *receiver = bpf_map_lookup_elem(&ledgers, &of_receiver);
	struct account *account = bpf_map_lookup_elem(&accounts, &of_account);
	__u32 first = 0;
	__u64 *until = bpf_map_lookup_elem(&alive, &first);
	__u64 now = bpf_ktime_get_ns();
	if (!sender || !receiver || !account || !until || now > *until)
		return TC_ACT_UNSPEC;

	int verdict = take(sender, &burst, now);
	if (verdict == PASS)
		verdict = take(receiver, &burst, now);
	// Where it still is, it was all the time. The locks of the ledgers keep this after the copy.
	if (bpf_map_lookup_elem(&routes, &k) != found)
		return TC_ACT_UNSPEC;
	if (verdict != PASS)
		return refuse(account, &burst, verdict);
	if (rewrite(skb, &k, &r) || (renumbered && renumber(skb, r.number, burst.packets)))
		return TC_ACT_SHOT; // it was changed in part: cannot happen
	__sync_fetch_and_add(&account->packets, burst.packets);
	__sync_fetch_and_add(&account->bytes, burst.size);
	return bpf_redirect_neigh(r.interface, 0, 0, 0);
}

char terms[] SEC("license") = "Apache-2.0";
