package vpc

import (
	"slices"

	"tombolo/ec2/api"
)

// Operations are all of this package's, a list for each noun's file.
func Operations() []api.Operation {
	return slices.Concat(
		vpcOperations(),
		vpcAttributeOperations(),
		subnetOperations(),
		cidrBlockOperations(),
		routeTableOperations(),
		routeOperations(),
		peeringOperations(),
		securityGroupOperations(),
		securityGroupRuleOperations(),
		networkAclOperations(),
		networkInterfaceOperations(),
		gatewayOperations(),
		dhcpOptionsOperations(),
		elasticIPOperations(),
		flowLogOperations(),
		emptyOperations(),
		tagOperations(),
		zoneOperations(),
	)
}
