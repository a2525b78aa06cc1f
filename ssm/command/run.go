package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"syscall"
	"time"

	"tombolo/network"
)

// Why a script is ended before its time.
var (
	errCancelled = errors.New("the command was cancelled")
	errTimedOut  = errors.New("the execution time-out was exceeded")
	errStopping  = errors.New("the daemon stopped while it ran")
	errRestarted = errors.New("the daemon ended while it ran")
	errNotBegun  = errors.New("nothing can be run in the instance")
)

// Exit codes that mean something to the agent (AWS: Rebooting managed nodes from
// scripts; amazon-ssm-agent gives 137 to what it killed, and takes a script's own
// 137 for that).
const (
	exitReboot  = 194
	exitStopped = 137
)

// failure begins the agent's line about a script that failed.
const failure = "failed to run commands: "

// carry carries a command out in one instance. It owns the invocation until it
// returns.
func (c *Commands) carry(ctx context.Context, e *entry, i *invocation) {
	defer c.release(e, i)
	v := c.view(e, i)
	results, begun, over := v.Steps, false, false
	for n, s := range e.Steps {
		switch {
		case over && !s.Finally || s.Skip:
			results[n] = skipped(results[n], s, c.now())
			continue
		case begun && ctx.Err() != nil:
			results[n] = missed(ctx, results[n], c.now())
			continue
		}
		results[n].Started, results[n].Status = c.now(), InProgress
		if !c.note(e, i, InProgress, results) && !begun {
			return // what has not begun may be tried again
		}
		wait := !begun && (i.tries < patience || !c.runs(i.instance))
		results[n] = c.step(ctx, v, s, results[n], wait)
		if results[n].Status == Pending {
			i.tries++
			c.note(e, i, Pending, nil)
			return
		}
		begun = true
		over = s.exits(&results[n]) || over
	}
	c.note(e, i, overall(results), results)
}

func skipped(r Result, s Step, at time.Time) Result {
	why := "the command ended with an earlier step"
	if s.Skip {
		why = "it is for another platform"
	}
	r.Status, r.Code, r.Started, r.Ended = Success, 0, at, at
	r.Stdout = fmt.Sprintf("Step execution skipped: %s. Step name: %s", why, s.Name)
	return r
}

// missed is the result of a step whose turn never came.
func missed(ctx context.Context, r Result, at time.Time) Result {
	r.Ended = at
	r.Status = Failed
	if errors.Is(context.Cause(ctx), errCancelled) {
		r.Status = Cancelled
	} else {
		r.Stderr = failure + context.Cause(ctx).Error()
	}
	return r
}

// overall is an invocation's status, as the agent makes it of those of its steps.
func overall(results []Result) Status {
	for _, s := range []Status{Failed, ExecutionTimedOut, Cancelled} {
		for _, r := range results {
			if r.Status == s {
				return s
			}
		}
	}
	return Success
}

// step runs one script, again after each reboot that it asks for. The time-out is
// for all of that together: a script that always asks must come to an end. With
// wait the step is Pending again when the instance let nothing run.
func (c *Commands) step(ctx context.Context, v Invocation, s Step, r Result, wait bool) Result {
	id := v.Instance
	ctx, cancel := context.WithTimeoutCause(ctx, s.Timeout, errTimedOut)
	defer cancel()
	out, errs := c.outputs(v, r)
	var exit Exit
	var err error
	for {
		exit, err = c.script(ctx, v, s, out, errs)
		if err != nil || exit != (Exit{Code: exitReboot}) {
			break
		}
		wait = false
		if err = c.reboot(ctx, id); err != nil {
			break
		}
	}
	if wait && errors.Is(err, errNotBegun) && ctx.Err() == nil {
		r.Status = Pending
		return r
	}
	var why error
	r.Status, r.Code, why = verdict(ctx, exit, err)
	if why != nil {
		if exit.Signal != 0 && !c.runs(id) {
			why = fmt.Errorf("%w: the instance stopped", why)
		}
		errs.note(failure + why.Error())
	}
	r.Ended, r.Stdout, r.Stderr = c.now(), out.close(), errs.close()
	return r
}

func (c *Commands) outputs(v Invocation, r Result) (out, errs *stream) {
	out = &stream{limit: stdoutLimit, cut: stdoutCut, log: c.Log}
	errs = &stream{limit: stderrLimit, cut: stderrCut, log: c.Log}
	if key := v.Key(r); key != "" && c.Objects != nil {
		create := func(name string) func() (Object, error) {
			return func() (Object, error) { return c.Objects.Create(v.Command.Output.Bucket, key+"/"+name) }
		}
		out.create, errs.create = create("stdout"), create("stderr")
	}
	return out, errs
}

// verdict is what a script's end means to the agent, and the line about it if there
// is one. A script that ended by itself just before it would have been killed has
// ended by itself.
func verdict(ctx context.Context, exit Exit, err error) (Status, int, error) {
	if cause := context.Cause(ctx); cause != nil && (err != nil || exit.Signal == syscall.SIGKILL) {
		switch {
		case errors.Is(cause, errCancelled):
			return Cancelled, exitStopped, nil
		case errors.Is(cause, errTimedOut):
			return ExecutionTimedOut, exitStopped, nil
		}
		return Failed, exitStopped, cause
	}
	switch {
	case err != nil:
		return Failed, 1, err
	case exit.Signal != 0:
		return Failed, -1, fmt.Errorf("signal: %v", exit.Signal)
	case exit.Code == 0:
		return Success, 0, nil
	case exit.Code == exitStopped:
		return ExecutionTimedOut, exitStopped, nil
	}
	return Failed, exit.Code, fmt.Errorf("exit status %d", exit.Code)
}

// The script comes in by standard input, where neither its size nor its bytes
// matter. Its directory is the agent's, so that $0 and the working directory are as
// on AWS; what the script left there stays.
const (
	deliver = `umask 077 && mkdir -p -- "$1" && cat >"$1/_script.sh" && chmod 700 "$1/_script.sh"`
	remove  = `rm -f -- "$1/_script.sh"; d=$1; while [ "$d" != "$2" ] && rmdir -- "$d" 2>/dev/null; do d=${d%/*}; done`
)

// tidy bounds the removal of a script, which comes when everything else is over.
const tidy = 5 * time.Second

// script runs a step's script once.
func (c *Commands) script(ctx context.Context, v Invocation, s Step, out, errs io.Writer) (Exit, error) {
	id := v.Instance
	base := path.Join(c.Dir, string(id), "document/orchestration")
	dir := path.Join(append([]string{base, v.Command.ID}, s.Path...)...)
	var complaint stream
	complaint.limit = stderrLimit
	exit, err := c.run(ctx, id, Program{Args: []string{"/bin/sh", "-c", deliver, "sh", dir}, Dir: "/", User: "root"},
		streams{[]byte(s.Script), io.Discard, &complaint})
	switch {
	case err != nil:
		return exit, fmt.Errorf("%w: %w", errNotBegun, err)
	case exit.Signal != 0: // with its instance, most likely
		return exit, fmt.Errorf("%w: signal: %v", errNotBegun, exit.Signal)
	case exit.Code != 0:
		return exit, fmt.Errorf("bring the script into the instance: %s", strings.TrimSpace(complaint.close()))
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidy)
		defer cancel()
		// Without it a script stays, which harms nothing; the instance may be gone.
		_, _ = c.run(ctx, id, Program{Args: []string{"/bin/sh", "-c", remove, "sh", dir, base}, Dir: "/", User: "root"}, quiet())
	}()
	return c.run(ctx, id, c.program(v, path.Join(dir, "_script.sh"), cmp.Or(s.Dir, dir)), streams{nil, out, errs})
}

// program runs a script as the agent does: by a shell that is given its path, so
// that a first line with #! counts, and with the agent's variables.
func (c *Commands) program(v Invocation, script, dir string) Program {
	return Program{
		Args: []string{"sh", "-c", script}, Dir: dir, User: "root",
		Env: []string{
			"AWS_SSM_INSTANCE_ID=" + string(v.Instance),
			"AWS_SSM_REGION_NAME=" + string(v.Command.Caller.Region),
			"AWS_SSM_PLATFORM_NAME=" + c.Platform.Name,
			"AWS_SSM_PLATFORM_VERSION=" + c.Platform.Version,
			"SSM_COMMAND_ID=" + v.Command.ID,
		},
	}
}

// runs reports whether an instance runs.
func (c *Commands) runs(id network.InstanceID) bool {
	i := c.State().Instance(id)
	return i != nil && i.State == network.InstanceRunning
}
