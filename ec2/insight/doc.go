// Package insight answers the analyzers' part of the EC2 API: Reachability
// Analyzer's paths and analyses, Network Access Analyzer's scopes and findings.
// What is true package reach says; this package asks it about one State, and
// writes the answer in AWS's shapes.
package insight
