package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tombolo/console"
	"tombolo/control"
	"tombolo/ec2"
	"tombolo/flowlog/delivery"
	"tombolo/gate"
	"tombolo/guest"
	"tombolo/iam"
	"tombolo/linux"
	"tombolo/local"
	"tombolo/network"
	"tombolo/ssm/session"
	"tombolo/store"
)

// serveFlags are what `tombolo serve` can be told.
type serveFlags struct {
	listen, fabric, auth string
	fast                 string
	tlsCert, tlsKey      string
	strictImages         bool
	quotas               []string
	verbose              bool
}

func serveCommand(s *site) *cobra.Command {
	f := &serveFlags{}
	cmd := &cobra.Command{
		Use: "serve", GroupID: "run", Args: cobra.NoArgs,
		Short: "Run the daemon in the foreground",
		Long: `Serve runs the daemon in the foreground until it is interrupted. It prints one
line when it is ready; GET /healthz then answers 200 once packets can flow.

Instances keep running when the daemon ends, and a new daemon on the same state
directory takes them over; tombolo down ends everything.

As root and as an ordinary user alike. --fabric none serves the API alone, on any
Linux, without privileges and without packets.

--quota changes how many things an account may have in a Region, for this run of
the daemon and all accounts. The names, each with its default:

` + quotaHelp(),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if f.fabric != "none" && !guest.InRoom(s.dir) {
				return s.enterRoom()
			}
			return serve(c.Context(), s, f)
		},
	}
	cmd.Flags().StringVar(&f.listen, "listen", defaultListen, "address of the API; port 0 takes a free one")
	cmd.Flags().StringVar(&f.fabric, "fabric", "auto", "what carries packets: auto, linux, or none (the API alone)")
	cmd.Flags().StringVar(&f.fast, "fast-path", string(linux.Auto), "what remembers verdicts about flows: auto (the fastest that this machine allows), ebpf (as root), or off")
	cmd.Flags().StringVar(&f.auth, "auth", "sigv4", "sigv4 verifies signatures; off takes any key (throwaway CI only)")
	cmd.Flags().StringVar(&f.tlsCert, "tls-cert", "", "certificate file (PEM); needed to listen beyond loopback")
	cmd.Flags().StringVar(&f.tlsKey, "tls-key", "", "its private key file (PEM)")
	cmd.Flags().BoolVar(&f.strictImages, "strict-images", false, "refuse AMI ids that are not in the catalogue")
	cmd.Flags().StringArrayVar(&f.quotas, "quota", nil, "a quota, as NAME=NUMBER; may be repeated")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "log more")
	for flag, words := range map[string][]string{"fabric": {"auto", "linux", "none"}, "auth": {"sigv4", "off"}, "fast-path": linux.FastPaths()} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)) // fails only for unknown flags
	}
	return cmd
}

// check refuses combinations that would be unsafe or mean nothing.
func (f *serveFlags) check() error {
	switch {
	case f.fabric != "auto" && f.fabric != "linux" && f.fabric != "none":
		return failed(exitUsage, "--fabric %s: choose auto, linux or none", f.fabric)
	case !slices.Contains(linux.FastPaths(), f.fast):
		return failed(exitUsage, "--fast-path %s: choose auto, ebpf or off; the cache in nftables is not built yet", f.fast)
	case f.auth != "sigv4" && f.auth != "off":
		return failed(exitUsage, "--auth %s: choose sigv4 or off", f.auth)
	case (f.tlsCert == "") != (f.tlsKey == ""):
		return failed(exitUsage, "--tls-cert and --tls-key belong together")
	}
	if _, err := readQuotas(f.quotas); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(f.listen)
	if err != nil {
		return failed(exitUsage, "--listen %s: write ADDRESS:PORT, for example %s", f.listen, defaultListen)
	}
	addr, err := netip.ParseAddr(host)
	loopback := host == "localhost" || err == nil && addr.IsLoopback()
	switch {
	case !loopback && f.auth == "off":
		return failed(exitUsage, "--auth off only listens on loopback")
	case !loopback && f.tlsCert == "":
		return failed(exitUsage, "--listen %s is not loopback: give --tls-cert and --tls-key", f.listen)
	}
	return nil
}

// enterRoom makes this process start again inside the state directory's room.
func (s *site) enterRoom() error {
	if pid, err := store.Owner(s.dir); err == nil && pid != 0 {
		return &exitError{exitNo, &store.Held{Path: s.dir, PID: pid}}
	}
	err := guest.Enter(s.dir, os.Args)
	return failed(exitMachine, "%w\nsee what this machine lacks with: tombolo doctor\nor serve the API without packets: tombolo serve --fabric none", err)
}

// daemon is everything that runs in one `tombolo serve`.
type daemon struct {
	site     *site
	flags    *serveFlags
	log      *slog.Logger
	accounts *iam.Accounts
	quotas   map[network.Quota]int
	control  *control.Control
	fabric   *fabric // nil with --fabric none
	manager  *manager
	flows    *delivery.Collector // nil with --fabric none
	console  *console.Server
	url      string
	quit     context.CancelFunc
	later    func(func(context.Context) error)
}

func serve(ctx context.Context, s *site, f *serveFlags) (err error) {
	ctx, quit := context.WithCancel(ctx)
	defer quit()
	// Whoever read the log may go away: the daemon stays. Caught rather than ignored,
	// since what is ignored stays so in every program of every instance.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	d := &daemon{site: s, flags: f, quit: quit, log: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))}
	dir, err := store.OpenDir(s.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	known, err := dir.Credentials()
	if err != nil {
		return err
	}
	d.accounts = iam.NewAccounts(known, dir)
	if d.quotas, err = readQuotas(f.quotas); err != nil {
		return err
	}
	db, err := dir.Database(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	state, err := db.Load(ctx)
	if err != nil {
		return err
	}
	c := control.Config{State: state, Store: db, Log: d.log}
	if f.fabric != "none" {
		if d.fabric, err = openFabric(s.dir, linux.FastPath(f.fast)); err != nil {
			return &exitError{exitMachine, err}
		}
		defer d.fabric.close()
		c.Plane, c.Guests = d.fabric.plane, d.fabric.guests
	}
	d.control = control.New(c)
	if d.manager, err = d.openManager(ctx, db); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.manager.buckets.Close()) }()
	return d.run(ctx)
}

// run serves until ctx ends and returns when everything has ended.
func (d *daemon) run(ctx context.Context) error {
	api, err := d.listen()
	if err != nil {
		return err
	}
	sock, err := local.Listen(d.site.socketPath())
	if err != nil {
		return errors.Join(err, api.Close())
	}
	door := d.door(api)
	d.console = d.openConsole(door, api)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { d.control.Run(ctx); return nil })
	d.later = laterIn(ctx, all, d.log)
	d.later(func(ctx context.Context) error { return ec2.Resume(ctx, d) })
	all.Go(func() error { return local.Serve(ctx, sock, d) })
	d.manager.run(ctx, all)
	all.Go(func() error { return d.console.Run(ctx) })
	all.Go(func() error { return d.serveHTTP(ctx, api, door) })
	if d.fabric != nil {
		all.Go(func() error { d.fabric.follow(ctx, d.control); return nil })
		d.flows = d.collector()
		all.Go(func() error { return d.flows.Run(ctx) })
	}
	if err := d.setQuotas(ctx); err != nil {
		d.quit()
		return errors.Join(err, all.Wait())
	}
	if d.flags.auth == "off" {
		d.log.Warn("--auth off: whoever can reach this port may do everything")
	}
	fmt.Printf("tombolo is ready: %s  (state %s, instances: %s)\n", d.url, d.site.dir, d.isolation())
	err = all.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// listen opens the API's port.
func (d *daemon) listen() (net.Listener, error) {
	l, err := net.Listen("tcp", d.flags.listen)
	if err != nil {
		return nil, fmt.Errorf("%w; choose another address with --listen", err)
	}
	d.url = "http://" + l.Addr().String()
	if d.flags.tlsCert == "" {
		return l, nil
	}
	pair, err := tls.LoadX509KeyPair(d.flags.tlsCert, d.flags.tlsKey)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("load certificate: %w", err), l.Close())
	}
	d.url = "https://" + l.Addr().String()
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}), nil
}

// hosts are the Host headers that mean this server.
func (d *daemon) hosts(l net.Listener) []string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	out := []string{l.Addr().String()}
	if host, _, err := net.SplitHostPort(d.flags.listen); err == nil {
		out = append(out, net.JoinHostPort(host, port))
	}
	return append(out, "localhost:"+port, "127.0.0.1:"+port, "[::1]:"+port)
}

// door is the one door of the AWS APIs.
func (d *daemon) door(l net.Listener) *gate.Gate {
	network := ec2.NewServer(ec2.Config{Backend: d, Log: d.log, StrictImages: d.flags.strictImages, Quotas: d.quotas})
	open := d.flags.auth == "off"
	sts, roles := iam.NewSTS(d.accounts), iam.NewIAM(d.accounts)
	sts.Open, roles.Open = open, open
	door := &gate.Gate{Hosts: d.hosts(l), Account: store.FirstAccount, Region: "us-east-1", Log: d.log, Known: d.accounts.Believed(),
		Services: map[string]gate.Service{"ec2": network, "sts": sts, "iam": roles, "ssm": d.manager.api}}
	if !open {
		door.Keys = d.accounts
	}
	return door
}

func (d *daemon) serveHTTP(ctx context.Context, l net.Listener, door *gate.Gate) error {
	mux := http.NewServeMux()
	mux.Handle("/", door)
	mux.Handle(session.Path, d.manager.streams(door))
	mux.Handle(console.Prefix, d.console)
	mux.HandleFunc("GET /healthz", d.health)
	if d.flags.auth == "off" {
		mux.HandleFunc("POST /_tombolo/reset", func(w http.ResponseWriter, r *http.Request) { d.reset(w, r, door) })
	}
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(d.log.Handler(), slog.LevelDebug)}
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(last) // a caller that does not go away is cut off
	})
	err := srv.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		<-done
		return nil
	}
	stop()
	return err
}

// health answers 200 once packets can flow and nothing is degraded.
func (d *daemon) health(w http.ResponseWriter, _ *http.Request) {
	st := d.control.Status()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if st.Ready && !st.Degraded() {
		fmt.Fprintln(w, "ok")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	if !st.Ready {
		fmt.Fprintln(w, "starting: packets can not flow yet")
	}
	for _, r := range reasons(st) {
		fmt.Fprintln(w, "degraded:", r)
	}
}

// reset empties everything; it exists with --auth off alone. Accounts and their
// keys stay.
func (d *daemon) reset(w http.ResponseWriter, r *http.Request, door *gate.Gate) {
	if why := door.Foreign(r); why != nil {
		http.Error(w, why.Message, why.Status)
		return
	}
	if err := errors.Join(d.manager.reset(r.Context()), d.control.Reset(r.Context())); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "empty")
}

func reasons(st control.Status) []string {
	out := []string{}
	for _, r := range st.Reasons {
		out = append(out, fmt.Sprintf("%s since %s: %s", r.Part, r.Since.Format(time.RFC3339), r.Text))
	}
	return out
}

// isolation says how instances are kept apart from the machine.
func (d *daemon) isolation() string {
	if d.fabric == nil {
		return "none"
	}
	switch m := d.fabric.guests.Mode(); m {
	case guest.Root:
		return "isolated, with user ids of their own"
	default:
		return "isolated, " + m.String()
	}
}

// Do, State and Console are what package ec2 needs.
func (d *daemon) Do(ctx context.Context, caller network.Caller, token string, r network.Request) (network.State, error) {
	return d.control.Do(ctx, caller, token, r)
}

// State is what exists now.
func (d *daemon) State() network.State { return d.control.State() }

// Console is what an instance wrote to its console.
func (d *daemon) Console(_ context.Context, id network.InstanceID) ([]byte, time.Time, error) {
	if d.fabric == nil {
		return nil, time.Time{}, nil
	}
	return d.fabric.console(id)
}

func (d *daemon) status() daemonStatus {
	st := d.control.Status()
	out := daemonStatus{Version: version, PID: os.Getpid(), Endpoint: d.url, State: d.site.dir, Fabric: "none", Plane: "none",
		Instances: d.isolation(), Auth: d.flags.auth, Generation: st.Durable, Obeyed: st.Obeyed, Degraded: reasons(st)}
	if d.fabric != nil {
		out.Fabric, out.Plane = "linux", "nftables, one fabric namespace"
		fast, refused := d.fabric.plane.FastPath()
		out.FastPath = string(fast)
		if refused != nil {
			out.FastPathWhy = refused.Error()
		}
	}
	return out
}

// Shutdown ends the daemon.
func (d *daemon) Shutdown() { d.quit() }

// absolute makes the state directory's path independent of the working directory.
func (s *site) absolute() error {
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	s.dir = strings.TrimSuffix(dir, "/")
	return nil
}
