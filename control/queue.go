package control

import (
	"context"
	"sync"
	"time"

	"tombolo/network"
)

// job is one request on its way through the writer.
type job struct {
	caller  network.Caller
	token   string
	request network.Request // nil is a reset

	// Set by the writer before it closes done.
	done    chan struct{}
	state   network.State // that the request made
	err     error
	visible uint64 // the generation that was shown with it
}

func newJob(caller network.Caller, token string, r network.Request) *job {
	return &job{caller: caller, token: token, request: r, done: make(chan struct{})}
}

// queue is what waits for the writer, in order of arrival.
type queue struct {
	mu     sync.Mutex
	jobs   []*job
	closed bool

	wake wake
}

func newQueue() *queue { return &queue{wake: newWake()} }

// put adds jobs that stay together. Each is answered in any case.
func (q *queue) put(jobs ...*job) {
	if len(jobs) == 0 {
		return
	}
	q.mu.Lock()
	closed := q.closed
	if !closed {
		q.jobs = append(q.jobs, jobs...)
	}
	q.mu.Unlock()
	if closed {
		refuse(jobs, ErrStopping)
		return
	}
	q.wake.up()
}

// company is how many requests were carried out last, and how long it is worth
// while to wait for as many again.
type company struct {
	size     int
	patience time.Duration
}

// gather waits for company. Callers that were just answered are about to ask
// again, and join those who wait already: to go on without them would have the
// two groups take turns for ever, each waiting for the other's transaction. A
// caller that is alone never waits, and nobody longer than half of what the last
// transaction took.
func (q *queue) gather(ctx context.Context, last company) {
	want := min(last.size+q.len(), maxBatch)
	if want < 2 || last.size == 0 {
		return
	}
	enough := time.NewTimer(last.patience)
	defer enough.Stop()
	for q.len() < want {
		select {
		case <-q.wake:
		case <-enough.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.jobs)
}

// take removes the next jobs, at most n. A reset comes alone: it and what follows
// it could not share a transaction.
func (q *queue) take(n int) []*job {
	q.mu.Lock()
	defer q.mu.Unlock()
	n = min(n, len(q.jobs))
	for i, j := range q.jobs[:n] {
		if j.request == nil {
			n = max(i, 1)
			break
		}
	}
	out := q.jobs[:n:n]
	q.jobs = q.jobs[n:]
	if len(q.jobs) == 0 {
		q.jobs = nil
	}
	return out
}

// close answers everything that waits, and whatever comes later.
func (q *queue) close() {
	q.mu.Lock()
	jobs := q.jobs
	q.jobs, q.closed = nil, true
	q.mu.Unlock()
	refuse(jobs, ErrStopping)
}

func refuse(jobs []*job, err error) {
	for _, j := range jobs {
		j.err = err
		close(j.done)
	}
}

// wake is a level-triggered signal: it carries no data, and two are as good as one.
type wake chan struct{}

func newWake() wake { return make(wake, 1) }

func (w wake) up() {
	select {
	case w <- struct{}{}:
	default:
	}
}
