package signaling

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limiterKeys bounds the memory of one limiter (about 200 bytes a key). Beyond
// it the source seen longest ago is forgotten.
const limiterKeys = 1 << 16

// limiter allows n acts per minute and source, all of them at once if need be.
type limiter struct {
	perMinute int

	mu      sync.Mutex
	sources map[netip.Prefix]*list.Element
	recent  *list.List // of *bucket, latest first
}

type bucket struct {
	source netip.Prefix
	seen   time.Time
	tokens *rate.Limiter
}

func newLimiter(perMinute int) *limiter {
	return &limiter{perMinute: perMinute, sources: make(map[netip.Prefix]*list.Element), recent: list.New()}
}

func (l *limiter) allow(source netip.Prefix, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.sources[source]
	if e == nil {
		l.forget(now)
		e = l.recent.PushFront(&bucket{
			source: source,
			tokens: rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute),
		})
		l.sources[source] = e
	}
	l.recent.MoveToFront(e)
	b := e.Value.(*bucket)
	b.seen = now
	return b.tokens.AllowN(now, 1)
}

// forget drops sources whose buckets are full again, and makes room for one more.
func (l *limiter) forget(now time.Time) {
	for e := l.recent.Back(); e != nil; e = l.recent.Back() {
		b := e.Value.(*bucket)
		if now.Sub(b.seen) < time.Minute && len(l.sources) < limiterKeys {
			return
		}
		l.recent.Remove(e)
		delete(l.sources, b.source)
	}
}
