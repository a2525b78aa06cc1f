package ec2

import "slices"

// operations are all that this server does, a list for each noun's file.
func operations() []operation {
	return slices.Concat(
		vpcOperations(),
		subnetOperations(),
		cidrBlockOperations(),
		routeTableOperations(),
		routeOperations(),
		peeringOperations(),
		securityGroupOperations(),
		securityGroupRuleOperations(),
		networkAclOperations(),
		networkInterfaceOperations(),
		instanceOperations(),
		instanceListOperations(),
		instanceTypeOperations(),
		imageOperations(),
		zoneOperations(),
		tagOperations(),
		vpcAttributeOperations(),
		gatewayOperations(),
		volumeOperations(),
		keyPairOperations(),
		instanceAttributeOperations(),
		consoleOperations(),
		emptyOperations(),
	)
}
