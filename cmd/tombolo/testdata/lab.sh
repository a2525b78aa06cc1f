#!/bin/bash
# The founding lab as a person types it: Debian's AWS CLI for the network,
# `tombolo exec` for the shell. Prints one line per thing seen; any line that
# begins with WRONG, or an exit status, fails the test.
set -euo pipefail
ec2() { aws --endpoint-url "$AWS_ENDPOINT_URL" --output text ec2 "$@"; }
try() { # FROM WANT PROBE…: what a probe sent from an instance must say
  local from=$1 want=$2 got=0; shift 2
  tombolo exec "$from" -- tombolo probe --timeout 500ms "$@" >/dev/null || got=$?
  case $got in 0) got=answered ;; 1) got=silent ;; 10) got=refused ;; esac
  [ "$got" = "$want" ] && echo "$from: $*: $got" || { echo "WRONG $from: $*: $got, want $want"; exit 1; }
}
both() { try "$1" "$2" icmp "$3"; try "$1" "$2" http "http://$3/"; }

image=$(ec2 describe-images --filters 'Name=name,Values=al2023-ami-*-x86_64' --query 'Images[0].ImageId')
cat >finance.sh <<'BOOT'
#!/bin/sh
echo "the books are balanced" > /srv/index.html
cd /srv && exec setsid python3 -m http.server 80 >/dev/null 2>&1 &
BOOT

build() { # NAME CIDR SUBNET [OPTION…]: sets vpc, table, group, acl
  vpc=$(ec2 create-vpc --cidr-block "$2" --tag-specifications "ResourceType=vpc,Tags=[{Key=Name,Value=$1}]" --query Vpc.VpcId)
  aws --endpoint-url "$AWS_ENDPOINT_URL" ec2 wait vpc-available --vpc-ids "$vpc"
  local subnet=$(ec2 create-subnet --vpc-id "$vpc" --cidr-block "$3" --query Subnet.SubnetId)
  table=$(ec2 describe-route-tables --filters "Name=vpc-id,Values=$vpc" Name=association.main,Values=true --query 'RouteTables[0].RouteTableId')
  acl=$(ec2 describe-network-acls --filters "Name=vpc-id,Values=$vpc" --query 'NetworkAcls[0].NetworkAclId')
  group=$(ec2 create-security-group --vpc-id "$vpc" --group-name "$1" --description "$1" --query GroupId)
  ec2 run-instances --image-id "$image" --instance-type t3.micro --subnet-id "$subnet" --security-group-ids "$group" \
    --tag-specifications "ResourceType=instance,Tags=[{Key=Name,Value=${1}Server}]" "${@:4}" >/dev/null
}
build Marketing 10.0.0.0/16 10.0.1.0/24; mvpc=$vpc mtable=$table
build Finance 172.31.0.0/16 172.31.1.0/24 --private-ip-address 172.31.1.199 --user-data file://finance.sh
fvpc=$vpc ftable=$table fgroup=$group facl=$acl
aws --endpoint-url "$AWS_ENDPOINT_URL" ec2 wait instance-running --filters 'Name=tag:Name,Values=*Server'

both MarketingServer silent 172.31.1.199
pcx=$(ec2 create-vpc-peering-connection --vpc-id "$mvpc" --peer-vpc-id "$fvpc" --query VpcPeeringConnection.VpcPeeringConnectionId)
ec2 accept-vpc-peering-connection --vpc-peering-connection-id "$pcx" >/dev/null
ec2 create-route --route-table-id "$mtable" --destination-cidr-block 172.31.0.0/16 --vpc-peering-connection-id "$pcx" >/dev/null
both MarketingServer silent 172.31.1.199
ec2 create-route --route-table-id "$ftable" --destination-cidr-block 10.0.0.0/16 --vpc-peering-connection-id "$pcx" >/dev/null
both MarketingServer silent 172.31.1.199
ec2 authorize-security-group-ingress --group-id "$fgroup" --protocol tcp --port 80 --cidr 10.0.0.0/16 >/dev/null
ec2 authorize-security-group-ingress --group-id "$fgroup" --ip-permissions 'IpProtocol=icmp,FromPort=8,ToPort=-1,IpRanges=[{CidrIp=10.0.0.0/16}]' >/dev/null
both MarketingServer answered 172.31.1.199
ec2 create-network-acl-entry --network-acl-id "$facl" --ingress --rule-number 50 --protocol -1 --cidr-block 10.0.0.0/16 --rule-action deny
both MarketingServer silent 172.31.1.199
ec2 delete-network-acl-entry --network-acl-id "$facl" --ingress --rule-number 50
both MarketingServer answered 172.31.1.199
ec2 delete-vpc-peering-connection --vpc-peering-connection-id "$pcx" >/dev/null
state=$(ec2 describe-route-tables --route-table-ids "$mtable" --query "RouteTables[0].Routes[?VpcPeeringConnectionId=='$pcx'].State")
[ "$state" = blackhole ] && echo "route: $state" || { echo "WRONG route: $state"; exit 1; }
both MarketingServer silent 172.31.1.199
code=0; ec2 describe-vpcs --vpc-ids vpc-00000000000000000 2>error.txt || code=$?
[ $code = 254 ] && grep -q InvalidVpcID.NotFound error.txt && echo "unknown VPC: refused" || { echo "WRONG unknown VPC: $code $(cat error.txt)"; exit 1; }
