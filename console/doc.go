// Package console is the web console's side of the daemon: the page and its assets,
// the door that only this page may come through, and the bridge behind it to the
// same services that answer the AWS CLI. It holds no rule of the network: a call
// through the bridge is a call of the EC2 API or of SSM, with the identity attached
// here instead of a signature.
//
// # The door
//
// `tombolo console` has the daemon make a ticket, good once and for minutes. The
// page gives it to POST /console/login and gets a cookie: a visit has begun. Every
// other call is a POST with that cookie, the exact Origin, and a header that no
// foreign page can send without being asked first (there is no CORS here to allow
// it). The cookie means nothing outside /console/: the API refuses whoever shows
// one.
//
// Visits live in memory: they end with the daemon, when nothing was asked for
// an hour, after twelve hours, and by logging out. Streams and terminals of a visit
// end with it.
package console
