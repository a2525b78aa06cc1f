// The flow cache: the slow path decides, this remembers.
//
// Two programs are on every link of the fabric. arrive looks a packet up and, when
// the verdict about its flow is remembered, hands it straight to the other
// instance's end of its link. Whatever it does not know goes the way of all
// packets, with the generation in which it set out in its mark. leave sees what
// the slow path let pass, and remembers it if the policy is still the one that was
// in force when the packet set out.
//
// The generation is one more whenever policy, routes, neighbours or links have
// changed; it is set after the change and before the change is acknowledged. So no
// packet that is sent after that finds an older verdict, and none that set out
// before is remembered.
//
// What must stay true: a packet that the slow path would treat in any special way
// (fragments, options, SYN, FIN, RST, another protocol, a wrong length, a frame for
// somebody else) is never looked up. Only contexts of the stable kernel interface
// are used, so that one object serves every kernel from 5.13 and every processor
// of this byte order.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

#define inline static __attribute__((always_inline)) inline

// The packet's mark: see linux/base.go.
#define MAY_REMEMBER (1u << 30)
#define STAMP_SHIFT 2
#define STAMP_MASK 0x3fffu
#define SHORT_PATH 2u
#define RECORDED 1u

// For how long a verdict is remembered: conntrack then sees a packet of the flow
// again. It is far less than any of its time-outs.
#define LIFETIME 1000000000ull

#define LONG_MTU 9001
#define SHORT_MTU 8500

#define FIN 1
#define SYN 2
#define RST 4
#define ACK 16

// What user space sets.
volatile __u32 generation = 0; // 0: remember nothing, look nothing up
volatile __u32 side = 0;       // which of the two sets of counts is counted into

struct key4 {
	__u32 port, source, dest, ports, protocol;
};

struct key6 {
	__u32 port, source[4], dest[4], ports, protocol;
};

// verdict is what is remembered about one direction of one flow.
struct verdict {
	__u64 until;     // monotonic nanoseconds
	__u32 generation;
	__u32 port;      // the link that it leaves by
	__u32 mtu;
	__u8 frame[12];  // destination and source address of its frame
	__u8 source[6];  // of the frames that come in
	__u8 recorded;   // somebody wants it counted
	__u8 closing;    // a FIN or RST has passed: conntrack must see the rest
};

// counted is a flow as it is recorded, and how much of it.
struct counted {
	__u32 in, out;
	__u32 source[4], dest[4];
	__u32 ports, protocol;
};

struct count {
	__u64 packets, bytes;
};

struct mac {
	__u8 addr[6];
	__u8 pad[2];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct key4);
	__type(value, struct verdict);
	__uint(max_entries, 65536);
} flows4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct key6);
	__type(value, struct verdict);
	__uint(max_entries, 65536);
} flows6 SEC(".maps");

// macs are the addresses that frames of each link must come from.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct mac);
	__uint(max_entries, 65536);
} macs SEC(".maps");

struct counts {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct counted);
	__type(value, struct count);
	__uint(max_entries, 65536);
};

struct counts counts0 SEC(".maps");
struct counts counts1 SEC(".maps");

// packet is what parsing finds.
struct packet {
	__u32 length;  // of the IP packet
	__u32 segment; // the longest that it will be on a wire
	__u8 flags;    // of TCP; ACK for UDP
};

inline int differs(const __u8 *a, const __u8 *b)
{
	return (*(__u32 *)a ^ *(__u32 *)b) | (*(__u16 *)(a + 4) ^ *(__u16 *)(b + 4));
}

// above reads the header above IP, which begins at p. What conntrack
// would call invalid is not looked up.
inline int above(struct __sk_buff *skb, void *p, void *end, __u32 protocol, __u32 header, struct packet *x, __u32 *ports)
{
	__u32 transport = 8;
	if (p + 8 > end)
		return 0;
	*ports = *(__u32 *)p;
	x->flags = ACK;
	if (protocol == IPPROTO_TCP) {
		if (p + 20 > end)
			return 0;
		transport = (((__u8 *)p)[12] >> 4) * 4;
		x->flags = ((__u8 *)p)[13] & (FIN | SYN | RST | ACK);
		if (transport < 20)
			return 0;
	} else if (protocol == IPPROTO_UDP) {
		__u32 n = bpf_ntohs(((__be16 *)p)[2]);
		if (n < 8 || n > x->length - header)
			return 0;
	} else {
		return 0;
	}
	if (x->length < header + transport)
		return 0;
	x->segment = skb->gso_size ? skb->gso_size + header + transport : x->length;
	return 1;
}

inline int parse4(struct __sk_buff *skb, struct ethhdr *eth, void *end, struct key4 *k, struct packet *x)
{
	struct iphdr *ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > end)
		return 0;
	x->length = bpf_ntohs(ip->tot_len);
	// Hops are not counted; of 0 and 255 the slow path makes something else.
	if (*(__u8 *)ip != 0x45 || ip->frag_off & bpf_htons(0x3fff) || x->length + sizeof(*eth) != skb->len || (__u8)(ip->ttl - 1) >= 254)
		return 0;
	k->source = ip->saddr;
	k->dest = ip->daddr;
	k->protocol = ip->protocol;
	return above(skb, ip + 1, end, ip->protocol, sizeof(*ip), x, &k->ports);
}

inline int parse6(struct __sk_buff *skb, struct ethhdr *eth, void *end, struct key6 *k, struct packet *x)
{
	struct ipv6hdr *ip = (void *)(eth + 1);
	if ((void *)(ip + 1) > end)
		return 0;
	x->length = bpf_ntohs(ip->payload_len) + sizeof(*ip);
	if (*(__u8 *)ip >> 4 != 6 || x->length + sizeof(*eth) != skb->len || (__u8)(ip->hop_limit - 1) >= 254)
		return 0;
	__builtin_memcpy(k->source, &ip->saddr, 16);
	__builtin_memcpy(k->dest, &ip->daddr, 16);
	k->protocol = ip->nexthdr;
	return above(skb, ip + 1, end, ip->nexthdr, sizeof(*ip), x, &k->ports);
}

// record counts a packet; false when there is no room, and then the slow path is
// to say so.
inline int record(struct counted *k, __u32 length)
{
	void *map = side & 1 ? (void *)&counts1 : (void *)&counts0;
	struct count *c = bpf_map_lookup_elem(map, k);
	if (!c) {
		struct count none = {};
		bpf_map_update_elem(map, k, &none, BPF_NOEXIST);
		c = bpf_map_lookup_elem(map, k);
		if (!c)
			return 0;
	}
	__sync_fetch_and_add(&c->packets, 1);
	__sync_fetch_and_add(&c->bytes, length);
	return 1;
}

// valid says whether a verdict holds for a packet.
inline int valid(struct verdict *v, struct ethhdr *eth, struct packet *x, __u32 now)
{
	return v->generation == now && !v->closing && x->segment <= v->mtu && !differs(eth->h_source, v->source) &&
	       bpf_ktime_get_coarse_ns() < v->until;
}

inline int deliver(struct __sk_buff *skb, struct ethhdr *eth, struct verdict *v)
{
	skb->mark = 0; // it is the fabric's own
	__builtin_memcpy(eth->h_dest, v->frame, 12);
	return bpf_redirect_peer(v->port, 0);
}

SEC("tc")
int arrive(struct __sk_buff *skb)
{
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = (void *)(long)skb->data;
	__u32 now = generation;
	struct packet x = {};
	struct verdict *v;

	skb->mark = 0;
	if (!now)
		return TC_ACT_UNSPEC;
	skb->mark = (now & STAMP_MASK) << STAMP_SHIFT;
	if ((void *)(eth + 1) > end || skb->pkt_type != 0 || skb->vlan_present)
		return TC_ACT_UNSPEC;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct key4 k = {.port = skb->ifindex};
		if (!parse4(skb, eth, end, &k, &x) || x.flags != ACK)
			return TC_ACT_UNSPEC;
		v = bpf_map_lookup_elem(&flows4, &k);
		if (!v || !valid(v, eth, &x, now))
			return TC_ACT_UNSPEC;
		if (v->recorded) {
			struct counted c = {.in = k.port, .out = v->port, .source = {k.source}, .dest = {k.dest}, .ports = k.ports, .protocol = k.protocol};
			if (!record(&c, x.length))
				return TC_ACT_UNSPEC;
		}
		return deliver(skb, eth, v);
	}
	if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct key6 k = {.port = skb->ifindex};
		if (!parse6(skb, eth, end, &k, &x) || x.flags != ACK)
			return TC_ACT_UNSPEC;
		v = bpf_map_lookup_elem(&flows6, &k);
		if (!v || !valid(v, eth, &x, now))
			return TC_ACT_UNSPEC;
		if (v->recorded) {
			struct counted c = {.in = k.port, .out = v->port, .ports = k.ports, .protocol = k.protocol | 1 << 8};
			__builtin_memcpy(c.source, k.source, 16);
			__builtin_memcpy(c.dest, k.dest, 16);
			if (!record(&c, x.length))
				return TC_ACT_UNSPEC;
		}
		return deliver(skb, eth, v);
	}
	return TC_ACT_UNSPEC;
}

// judged makes a verdict of a packet that the slow path let pass; false when it
// may not be remembered.
inline int judged(struct __sk_buff *skb, struct ethhdr *eth, __u32 now, struct verdict *v)
{
	__u32 in = skb->ingress_ifindex;
	struct mac *m = bpf_map_lookup_elem(&macs, &in);
	if (!m)
		return 0;
	v->generation = now;
	v->port = skb->ifindex;
	v->until = bpf_ktime_get_coarse_ns() + LIFETIME;
	v->mtu = skb->mark & SHORT_PATH ? SHORT_MTU : LONG_MTU;
	v->recorded = skb->mark & RECORDED;
	__builtin_memcpy(v->frame, eth, 12);
	__builtin_memcpy(v->source, m->addr, 6);
	return 1;
}

// remember keeps a verdict. Of a connection that is being closed none is kept: what
// conntrack did not see of its end it would take for open. A new one begins with SYN.
inline void remember(void *map, void *key, void *back, struct verdict *v, __u8 flags)
{
	struct verdict *old = bpf_map_lookup_elem(map, key);
	if (flags == ACK) {
		if (!old || !old->closing)
			bpf_map_update_elem(map, key, v, BPF_ANY);
		return;
	}
	if (flags & SYN) {
		if (old && old->closing)
			bpf_map_delete_elem(map, key);
		return;
	}
	if (old)
		old->closing = 1;
	old = bpf_map_lookup_elem(map, back);
	if (old)
		old->closing = 1;
}

SEC("tc")
int leave(struct __sk_buff *skb)
{
	void *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = (void *)(long)skb->data;
	__u32 mark = skb->mark;
	__u32 now = generation;
	struct packet x = {};
	struct verdict v = {};

	if (!(mark & MAY_REMEMBER) || !now || !skb->ingress_ifindex)
		return TC_ACT_UNSPEC;
	if ((mark >> STAMP_SHIFT & STAMP_MASK) != (now & STAMP_MASK)) // it set out under an older policy
		return TC_ACT_UNSPEC;
	if ((void *)(eth + 1) > end)
		return TC_ACT_UNSPEC;
	if (eth->h_proto == bpf_htons(ETH_P_IP)) {
		struct key4 k = {.port = skb->ingress_ifindex};
		if (!parse4(skb, eth, end, &k, &x) || !judged(skb, eth, now, &v))
			return TC_ACT_UNSPEC;
		struct key4 back = {.port = skb->ifindex, .source = k.dest, .dest = k.source, .ports = k.ports << 16 | k.ports >> 16, .protocol = k.protocol};
		remember(&flows4, &k, &back, &v, x.flags);
	} else if (eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		struct key6 k = {.port = skb->ingress_ifindex};
		if (!parse6(skb, eth, end, &k, &x) || !judged(skb, eth, now, &v))
			return TC_ACT_UNSPEC;
		struct key6 back = {.port = skb->ifindex, .ports = k.ports << 16 | k.ports >> 16, .protocol = k.protocol};
		__builtin_memcpy(back.source, k.dest, 16);
		__builtin_memcpy(back.dest, k.source, 16);
		remember(&flows6, &k, &back, &v, x.flags);
	}
	return TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "Apache-2.0";
