// Package flowlog is VPC Flow Logs without a disk or a kernel: what a plane counts
// (Count), the records that follow from it for each interface, how they are added
// up over an interval, and how AWS writes them down (AWS: VPC Flow Logs, Flow log
// records). It is pure: package flowlog/delivery has the clock and the files, and
// a plane does the counting.
package flowlog
