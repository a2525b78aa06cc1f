// Package plugin drives Tombolo with AWS's own session-manager-plugin, unmodified:
// `aws ssm start-session` under a pseudo-terminal, against a real daemon, real
// instances and real packets. The plugin is what $TOMBOLO_SESSION_MANAGER_PLUGIN
// names, or the one on the PATH, or it is built from AWS's module as the module
// proxy serves it. Without any of them every test fails.
//
// It is a module of its own, so that nothing of AWS's is ever in the product.
package plugin
