package ssm

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Of the Parameter Store there is only what AWS itself publishes, and of that
// what people look up: the newest image of a distribution.
func parameterOperations() []operation {
	const plain = "no public parameter is encrypted"
	return []operation{
		on("GetParameter", (*Service).getParameter, stored("WithDecryption", plain)),
		on("GetParameters", (*Service).getParameters, stored("WithDecryption", plain)),
		on("GetParametersByPath", (*Service).getParametersByPath, stored("WithDecryption", plain),
			refuses("ParameterFilters", "public parameters have neither labels nor tags to filter by")),
	}
}

type getParameterRequest struct {
	Name           string `shape:"*PSParameterName"`
	WithDecryption bool
}

type getParametersRequest struct {
	Names          []string `shape:"*ParameterNameList"`
	WithDecryption bool
}

type getParametersByPathRequest struct {
	Path             string `shape:"*PSParameterName"`
	Recursive        bool
	ParameterFilters []parameterStringFilter `shape:"ParameterStringFilterList"`
	WithDecryption   bool
	MaxResults       int    `shape:"GetParametersByPathMaxResults"`
	NextToken        string `shape:"NextToken"`
}

type parameterStringFilter struct {
	Key    string   `shape:"*ParameterStringFilterKey"`
	Option string   `shape:"ParameterStringQueryOption"`
	Values []string `shape:"ParameterStringFilterValueList"`
}

// publicParameters are the parameters' names and what the name of the image
// begins and ends with. The later image wins: names have dates.
var publicParameters = []struct{ name, prefix, suffix string }{
	{amazonLinux + "al2023-ami-kernel-default-x86_64", "al2023-ami-2023.", "-kernel-6.1-x86_64"},
	{amazonLinux + "al2023-ami-kernel-default-arm64", "al2023-ami-2023.", "-kernel-6.1-arm64"},
	{amazonLinux + "al2023-ami-kernel-6.1-x86_64", "al2023-ami-2023.", "-kernel-6.1-x86_64"},
	{amazonLinux + "al2023-ami-kernel-6.1-arm64", "al2023-ami-2023.", "-kernel-6.1-arm64"},
	{amazonLinux + "al2023-ami-kernel-6.12-x86_64", "al2023-ami-2023.", "-kernel-6.12-x86_64"},
	{amazonLinux + "al2023-ami-kernel-6.12-arm64", "al2023-ami-2023.", "-kernel-6.12-arm64"},
	{amazonLinux + "al2023-ami-minimal-kernel-default-x86_64", "al2023-ami-minimal-2023.", "-kernel-6.1-x86_64"},
	{amazonLinux + "al2023-ami-minimal-kernel-default-arm64", "al2023-ami-minimal-2023.", "-kernel-6.1-arm64"},
	{amazonLinux + "al2023-ami-minimal-kernel-6.1-x86_64", "al2023-ami-minimal-2023.", "-kernel-6.1-x86_64"},
	{amazonLinux + "al2023-ami-minimal-kernel-6.1-arm64", "al2023-ami-minimal-2023.", "-kernel-6.1-arm64"},
	{amazonLinux + "amzn2-ami-hvm-x86_64-gp2", "amzn2-ami-hvm-2.0.", "-x86_64-gp2"},
	{amazonLinux + "amzn2-ami-hvm-arm64-gp2", "amzn2-ami-hvm-2.0.", "-arm64-gp2"},
	{amazonLinux + "amzn2-ami-kernel-5.10-hvm-x86_64-gp2", "amzn2-ami-kernel-5.10-hvm-2.0.", "-x86_64-gp2"},
	{amazonLinux + "amzn2-ami-kernel-5.10-hvm-arm64-gp2", "amzn2-ami-kernel-5.10-hvm-2.0.", "-arm64-gp2"},
	{ubuntuServer + "20.04/stable/current/amd64/hvm/ebs-gp2/ami-id", "ubuntu/images/hvm-ssd/ubuntu-focal-20.04-amd64-server-", ""},
	{ubuntuServer + "20.04/stable/current/arm64/hvm/ebs-gp2/ami-id", "ubuntu/images/hvm-ssd/ubuntu-focal-20.04-arm64-server-", ""},
	{ubuntuServer + "22.04/stable/current/amd64/hvm/ebs-gp2/ami-id", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-", ""},
	{ubuntuServer + "22.04/stable/current/arm64/hvm/ebs-gp2/ami-id", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-arm64-server-", ""},
	{ubuntuServer + "24.04/stable/current/amd64/hvm/ebs-gp3/ami-id", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-", ""},
	{ubuntuServer + "24.04/stable/current/arm64/hvm/ebs-gp3/ami-id", "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-arm64-server-", ""},
	{debianRelease + "12/latest/amd64", "debian-12-amd64-", ""},
	{debianRelease + "12/latest/arm64", "debian-12-arm64-", ""},
	{debianRelease + "13/latest/amd64", "debian-13-amd64-", ""},
	{debianRelease + "13/latest/arm64", "debian-13-arm64-", ""},
}

const (
	amazonLinux   = "/aws/service/ami-amazon-linux-latest/"
	ubuntuServer  = "/aws/service/canonical/ubuntu/server/"
	debianRelease = "/aws/service/debian/release/"
)

// published is when the parameters were last changed: with the catalogue.
var published = time.Date(2025, time.October, 28, 1, 17, 42, 0, time.UTC)

type parameter struct {
	Name, Type, Value string
	Version           int
	LastModifiedDate  json.Number
	ARN               string
	DataType          string
}

// parameters are those of the caller's Region, by name.
func (s *Service) parameters(c *call) []parameter {
	var out []parameter
	images := s.Images(c.caller.Region)
	names := sortedKeys(images)
	slices.Reverse(names)
	for _, p := range publicParameters {
		for _, name := range names {
			if strings.HasPrefix(name, p.prefix) && strings.HasSuffix(name, p.suffix) {
				out = append(out, parameter{p.name, "String", string(images[name]), 1, when(published),
					"arn:aws:ssm:" + string(c.caller.Region) + "::parameter" + p.name, imageType(p.name)})
				break
			}
		}
	}
	slices.SortFunc(out, func(a, b parameter) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// imageType is the data type: AWS's own say text, Canonical's and Debian's that
// they are images.
func imageType(name string) string {
	if strings.HasPrefix(name, amazonLinux) {
		return "text"
	}
	return "aws:ec2:image"
}

// lookUp finds a parameter by name, ARN, and perhaps with a version behind a colon.
func (s *Service) lookUp(c *call, name string) (parameter, error) {
	bare := name
	if arn, ok := strings.CutPrefix(name, "arn:aws:ssm:"+string(c.caller.Region)+"::parameter"); ok {
		bare = arn
	}
	bare, version, selected := strings.Cut(bare, ":")
	for _, p := range s.parameters(c) {
		if p.Name != bare {
			continue
		}
		if selected && version != "1" {
			return p, fail("ParameterVersionNotFound", "Systems Manager could not find version %s of %s. Verify the version and try again.", version, bare)
		}
		return p, nil
	}
	return parameter{}, fail("ParameterNotFound", "There is no parameter %s. Of the Parameter Store there are only the public parameters that name images.", bare)
}

func (s *Service) getParameter(c *call, q *getParameterRequest) (any, error) {
	p, err := s.lookUp(c, q.Name)
	return struct{ Parameter parameter }{p}, err
}

func (s *Service) getParameters(c *call, q *getParametersRequest) (any, error) {
	found, missing := []parameter{}, []string{}
	for i, name := range q.Names {
		if slices.Contains(q.Names[:i], name) {
			return nil, invalid("Duplicate parameter names are not allowed: %s", name)
		}
		if p, err := s.lookUp(c, name); err == nil {
			found = append(found, p)
		} else {
			missing = append(missing, name)
		}
	}
	return struct {
		Parameters        []parameter
		InvalidParameters []string
	}{found, missing}, nil
}

func (s *Service) getParametersByPath(c *call, q *getParametersByPathRequest) (any, error) {
	if !strings.HasPrefix(q.Path, "/") {
		return nil, invalid("The parameter path %s must begin with a slash (/).", q.Path)
	}
	path := strings.TrimSuffix(q.Path, "/") + "/"
	list := slices.DeleteFunc(s.parameters(c), func(p parameter) bool {
		rest, under := strings.CutPrefix(p.Name, path)
		return !under || !q.Recursive && strings.Contains(rest, "/")
	})
	list, next, err := page(list, func(p parameter) string { return p.Name }, q.NextToken, cmp.Or(q.MaxResults, 10))
	if err != nil {
		return nil, err
	}
	return struct {
		Parameters []parameter
		NextToken  string `json:",omitempty"`
	}{append([]parameter{}, list...), next}, nil
}
