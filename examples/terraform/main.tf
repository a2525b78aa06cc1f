# The founding lab: Marketing and Developer need Finance's server at 172.31.1.199, and
# never each other. See README.md beside this file for how to run it.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "endpoint" {
  description = "URL of Tombolo's API"
  default     = "http://127.0.0.1:4566"
}

provider "aws" {
  region = "us-east-1"

  # Keys come from the environment: eval "$(tombolo env)".
  skip_metadata_api_check = true # there is no metadata service on this machine

  endpoints {
    ec2 = var.endpoint
    sts = var.endpoint
    iam = var.endpoint
    ssm = var.endpoint
  }
}

locals {
  departments = {
    Marketing = { cidr = "10.0.0.0/16", subnet = "10.0.1.0/24", address = null }
    Developer = { cidr = "192.168.0.0/20", subnet = "192.168.1.0/24", address = null }
    Finance   = { cidr = "172.31.0.0/16", subnet = "172.31.1.0/24", address = "172.31.1.199" }
  }
  clients = toset(["Marketing", "Developer"])
}

data "aws_ami" "linux" {
  most_recent = true
  owners      = ["amazon"]

  filter {
    name   = "name"
    values = ["al2023-ami-2023.*-x86_64"]
  }
}

resource "aws_vpc" "department" {
  for_each                         = local.departments
  cidr_block                       = each.value.cidr
  assign_generated_ipv6_cidr_block = true
  enable_dns_hostnames             = true
  tags                             = { Name = each.key }
}

resource "aws_subnet" "department" {
  for_each          = local.departments
  vpc_id            = aws_vpc.department[each.key].id
  cidr_block        = each.value.subnet
  ipv6_cidr_block   = cidrsubnet(aws_vpc.department[each.key].ipv6_cidr_block, 8, 0)
  availability_zone = "us-east-1a"
  tags              = { Name = each.key }
}

resource "aws_security_group" "department" {
  for_each    = local.departments
  name        = each.key
  description = "the server of ${each.key}"
  vpc_id      = aws_vpc.department[each.key].id
}

resource "aws_vpc_security_group_egress_rule" "all4" {
  for_each          = local.departments
  security_group_id = aws_security_group.department[each.key].id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_egress_rule" "all6" {
  for_each          = local.departments
  security_group_id = aws_security_group.department[each.key].id
  ip_protocol       = "-1"
  cidr_ipv6         = "::/0"
}

resource "aws_instance" "server" {
  for_each               = local.departments
  ami                    = data.aws_ami.linux.id
  instance_type          = "t3.micro"
  subnet_id              = aws_subnet.department[each.key].id
  private_ip             = each.value.address
  ipv6_address_count     = 1
  vpc_security_group_ids = [aws_security_group.department[each.key].id]
  user_data              = "#!/bin/sh\nexec setsid tombolo probe serve http :80 >/dev/null 2>&1 &\n"
  tags                   = { Name = "${each.key}Server" }
}

resource "aws_vpc_peering_connection" "finance" {
  for_each    = local.clients
  vpc_id      = aws_vpc.department[each.key].id
  peer_vpc_id = aws_vpc.department["Finance"].id
  auto_accept = true
  tags        = { Name = "${each.key} to Finance" }
}

resource "aws_route" "to_finance" {
  for_each                  = local.clients
  route_table_id            = aws_vpc.department[each.key].main_route_table_id
  destination_cidr_block    = aws_vpc.department["Finance"].cidr_block
  vpc_peering_connection_id = aws_vpc_peering_connection.finance[each.key].id
}

resource "aws_route" "to_finance6" {
  for_each                    = local.clients
  route_table_id              = aws_vpc.department[each.key].main_route_table_id
  destination_ipv6_cidr_block = aws_vpc.department["Finance"].ipv6_cidr_block
  vpc_peering_connection_id   = aws_vpc_peering_connection.finance[each.key].id
}

resource "aws_route" "from_finance" {
  for_each                  = local.clients
  route_table_id            = aws_vpc.department["Finance"].main_route_table_id
  destination_cidr_block    = aws_vpc.department[each.key].cidr_block
  vpc_peering_connection_id = aws_vpc_peering_connection.finance[each.key].id
}

resource "aws_route" "from_finance6" {
  for_each                    = local.clients
  route_table_id              = aws_vpc.department["Finance"].main_route_table_id
  destination_ipv6_cidr_block = aws_vpc.department[each.key].ipv6_cidr_block
  vpc_peering_connection_id   = aws_vpc_peering_connection.finance[each.key].id
}

resource "aws_vpc_security_group_ingress_rule" "http" {
  for_each          = local.clients
  security_group_id = aws_security_group.department["Finance"].id
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
  cidr_ipv4         = aws_vpc.department[each.key].cidr_block
}

resource "aws_vpc_security_group_ingress_rule" "http6" {
  for_each          = local.clients
  security_group_id = aws_security_group.department["Finance"].id
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
  cidr_ipv6         = aws_vpc.department[each.key].ipv6_cidr_block
}

resource "aws_vpc_security_group_ingress_rule" "ping" {
  for_each          = local.clients
  security_group_id = aws_security_group.department["Finance"].id
  ip_protocol       = "icmp"
  from_port         = 8
  to_port           = -1
  cidr_ipv4         = aws_vpc.department[each.key].cidr_block
}

output "try" {
  value = "tombolo exec MarketingServer -- tombolo probe http http://172.31.1.199/"
}
