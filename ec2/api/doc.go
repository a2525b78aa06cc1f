// Package api is the frame of every EC2 action: a Call reads the parameters of a
// form and acts on the core, an Operation names the class of every parameter, a
// Listing finds, filters and pages, and whatever the core refuses is said in
// AWS's words. Packages vpc and instance hold the actions themselves.
package api
