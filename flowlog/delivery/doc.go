// Package delivery reads what a plane counts, at the end of every interval writes
// the records of each flow log to its bucket, and shows them to whoever listens.
// What records are is package flowlog's; this one has the clock and the files.
//
// # Wiring
//
// A Collector needs a plane that counts (linux/kernel's Plane is one), the State,
// the buckets, and a way to report how a delivery went:
//
//	c := delivery.New(delivery.Config{
//		Meter:  plane,
//		State:  loop.State,
//		Files:  buckets,
//		Report: func(ctx context.Context, log *network.FlowLog, problem string) error { … network.ReportDelivery … },
//		ZoneID: ec2.ZoneID,
//	})
//	go c.Run(ctx)
//
// Run ends when ctx does, after it has written down what was not complete yet.
// For `tombolo flowlogs --follow` the daemon calls Subscribe, sends each batch's
// records through its socket (flowlog.Format.Line makes a line of one), and cancels
// the subscription's context when the client has gone: the plane counts all
// interfaces from the first subscriber to the last. Without --follow, Recent is what
// was seen last.
package delivery
