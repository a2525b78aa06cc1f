package instance

import (
	"slices"

	"tombolo/ec2/api"
)

// Operations are all of this package's, a list for each noun's file.
func Operations() []api.Operation {
	return slices.Concat(
		instanceOperations(),
		instanceListOperations(),
		instanceAttributeOperations(),
		instanceTypeOperations(),
		imageOperations(),
		keyPairOperations(),
		launchTemplateOperations(),
		moreAttributeOperations(),
		profileOperations(),
		volumeOperations(),
		consoleOperations(),
	)
}
