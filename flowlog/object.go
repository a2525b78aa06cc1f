package flowlog

import (
	"fmt"
	"path"
	"time"

	"tombolo/network"
)

// ObjectKey is the key of the object with the records of an interval that ended at
// end (AWS: Publish flow logs to Amazon S3, Flow log files): hash keeps apart what
// ends in the same minute.
func ObjectKey(log *network.FlowLog, end time.Time, hash uint32) string {
	end = end.UTC()
	account, region := string(log.Owner), string(log.Region)
	dir := fmt.Sprintf("AWSLogs/%s/vpcflowlogs/%s/%s", account, region, end.Format("2006/01/02"))
	hour := end.Format("15")
	if log.Hive {
		dir = fmt.Sprintf("AWSLogs/aws-account-id=%s/aws-service=vpcflowlogs/aws-region=%s/%s", account, region, end.Format("year=2006/month=01/day=02"))
		hour = "hour=" + hour
	}
	if log.Hourly {
		dir += "/" + hour
	}
	name := fmt.Sprintf("%s_vpcflowlogs_%s_%s_%s_%08x.log.gz", account, region, log.ID, end.Format("20060102T1504Z"), hash)
	return path.Join(log.Prefix, dir, name)
}
