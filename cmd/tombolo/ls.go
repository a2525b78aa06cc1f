package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"tombolo/client"
)

// outputs are the values of -o.
var outputs = []string{"table", "wide", "json", "yaml", "name"}

func lsCommand(s *site) *cobra.Command {
	var output string
	var words []string
	for _, k := range kinds {
		words = append(words, k.name)
	}
	cmd := &cobra.Command{
		Use: "ls [KIND]", GroupID: "look", Args: cobra.MaximumNArgs(1), ValidArgs: words,
		Short: "List what exists",
		Long:  "Ls lists what exists in your account and Region: " + strings.Join(words, ", ") + ".\nWithout a KIND it lists all of them.",
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains(outputs, output) {
				return failed(exitUsage, "-o %s: choose one of %s", output, strings.Join(outputs, ", "))
			}
			chosen := kinds
			if len(args) == 1 {
				k, ok := kindNamed(args[0])
				if !ok {
					return failed(exitUsage, "ls: unknown kind %q; choose one of %s", args[0], strings.Join(words, ", "))
				}
				chosen = []kindOf{k}
			}
			api, err := s.api(c.Context())
			if err != nil {
				return err
			}
			return printKinds(c.Context(), api, chosen, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "table", strings.Join(outputs, ", "))
	return cmd
}

func printKinds(ctx context.Context, api *client.Client, chosen []kindOf, output string) error {
	found := map[string][]any{}
	for i, k := range chosen {
		items, err := k.items(ctx, api)
		if err != nil {
			return err
		}
		switch output {
		case "table", "wide":
			if len(chosen) > 1 {
				if len(items) == 0 {
					continue
				}
				if i > 0 {
					fmt.Println()
				}
				fmt.Println(strings.ToUpper(k.name))
			}
			printTable(k, items, output == "wide")
		case "name":
			for _, item := range items {
				fmt.Println(item.Text(k.id))
			}
		default:
			found[k.name] = []any{}
			for _, item := range items {
				found[k.name] = append(found[k.name], plain(item))
			}
		}
	}
	if len(found) == 0 {
		return nil
	}
	var v any = found
	if len(chosen) == 1 {
		v = found[chosen[0].name]
	}
	return printDocument(v, output)
}

func printDocument(v any, output string) error {
	if output == "yaml" {
		doc, err := yaml.Marshal(v)
		if err != nil {
			return err
		}
		_, err = os.Stdout.Write(doc)
		return err
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func printTable(k kindOf, items []*client.Node, all bool) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	row := func(cell func(column) string) {
		var cells []string
		for _, c := range k.columns {
			if all || !c.wide {
				cells = append(cells, cell(c))
			}
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	row(func(c column) string { return c.head })
	for _, item := range items {
		row(func(c column) string {
			if v := c.of(item); v != "" {
				return v
			}
			return "-"
		})
	}
}

// items fetches all of a kind, or those with the IDs, in order of name and ID.
func (k kindOf) items(ctx context.Context, api *client.Client, ids ...string) ([]*client.Node, error) {
	var params []string
	for i, id := range ids {
		params = append(params, fmt.Sprintf("%s.%d", k.idParam, i+1), id)
	}
	tree, err := api.Call(ctx, k.action, params...)
	if err != nil {
		return nil, err
	}
	items := tree.Items(k.list)
	if k.inner != "" {
		var inner []*client.Node
		for _, i := range items {
			inner = append(inner, i.Items(k.inner)...)
		}
		items = inner
	}
	slices.SortFunc(items, func(a, b *client.Node) int {
		if c := strings.Compare(a.Tag("Name"), b.Tag("Name")); c != 0 {
			return c
		}
		return strings.Compare(a.Text(k.id), b.Text(k.id))
	})
	return items, nil
}

func showCommand(s *site) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "show ID", GroupID: "look", Args: cobra.ExactArgs(1),
		Short: "Show everything about one thing",
		RunE: func(c *cobra.Command, args []string) error {
			if output != "yaml" && output != "json" {
				return failed(exitUsage, "-o %s: choose yaml or json", output)
			}
			k, ok := kindOfID(args[0])
			if !ok {
				return failed(exitUsage, "show: %q is no ID of anything known here; IDs look like vpc-0123456789abcdef0", args[0])
			}
			api, err := s.api(c.Context())
			if err != nil {
				return err
			}
			items, err := k.items(c.Context(), api, args[0])
			if err != nil {
				return err
			}
			if len(items) == 0 {
				return failed(exitNotFound, "%s does not exist", args[0])
			}
			return printDocument(plain(items[0]), output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "yaml", "yaml or json")
	return cmd
}

// plain turns an answer into maps, lists and strings.
func plain(n *client.Node) any {
	if len(n.Kids) == 0 {
		if strings.HasSuffix(n.Name, "Set") {
			return []any{}
		}
		return n.Value
	}
	if n.Kids[0].Name == "item" {
		var out []any
		for _, k := range n.Kids {
			out = append(out, plain(k))
		}
		return out
	}
	out := map[string]any{}
	for _, k := range n.Kids {
		out[k.Name] = plain(k)
	}
	return out
}

// completeInstances offers the names and IDs of instances to the shell.
func (s *site) completeInstances(c *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	api, err := s.api(c.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	k, _ := kindNamed("instances")
	items, err := k.items(c.Context(), api)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	for _, i := range items {
		if n := i.Tag("Name"); n != "" {
			words = append(words, n)
		}
		words = append(words, i.Text("instanceId"))
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}
