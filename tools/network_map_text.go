package tools

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"orbstack-mcp/orbctl"
	"orbstack-mcp/orbctl/guest"
)

// Text says the same as the JSON: a matrix for each method, and a drawing of it.
// Every word in it is ours, but for names, of which other characters than those of
// a machine's name are left out.
func (o networkMapOut) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d machines:", len(o.Machines))
	for _, m := range o.Machines {
		b.WriteString("\n- " + m.text())
	}
	for _, way := range o.ways() {
		b.WriteString("\n\n" + o.matrix(way))
	}
	if len(o.Cells) > 0 {
		b.WriteString("\nVerdict and ms; one entry where by address and by name agree, else address/name; - is not tried.\n\n" + o.mermaid())
	}
	for i, p := range o.Problems {
		if i == 0 {
			b.WriteString("\n\nProblems:")
		}
		b.WriteString("\n- " + p)
	}
	if o.Note != "" {
		b.WriteString("\n\n" + o.Note)
	}
	return b.String()
}

func (m mapMachine) text() string {
	words := []string{plainName(m.Name), m.State}
	if m.Address != "" {
		words = append(words, m.Address)
	}
	if m.Isolated {
		words = append(words, "isolated")
	}
	if m.IsolateNetwork {
		words = append(words, "isolate_network")
	}
	if m.Error != nil {
		words = append(words, "not asked: "+m.Error.Code)
	}
	if m.Note != "" {
		words = append(words, strconv.Quote(m.Note))
	}
	return strings.Join(words, ", ")
}

// plainName is a machine's name; what no machine's name has becomes a dot in the
// middle, so that it can neither end a cell nor a label.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '.', r == '_':
			return r
		}
		return '·'
	}, name)
}

// ways are the methods of the cells, in their order.
func (o networkMapOut) ways() []string {
	var ways []string
	for _, c := range o.Cells {
		if !slices.Contains(ways, c.way()) {
			ways = append(ways, c.way())
		}
	}
	return ways
}

// entries are the cells of the matrices, by method, from and to.
func (o networkMapOut) entries() map[[3]string]string {
	byAddress, both := map[[3]string]string{}, map[[3]string]string{}
	for _, c := range o.Cells {
		key, text := [3]string{c.way(), c.From, c.To}, c.Verdict
		if c.MS > 0 {
			text += " " + strconv.FormatFloat(c.MS, 'f', -1, 64)
		}
		if c.By == guest.ByAddress {
			byAddress[key] = text
			continue
		}
		switch first, tried := byAddress[key]; {
		case !tried:
			both[key] = "-/" + text
		case first == text:
			both[key] = text
		default:
			both[key] = first + "/" + text
		}
	}
	return both
}

func (o networkMapOut) matrix(way string) string {
	entries := o.entries()
	shown := o.running()
	var b strings.Builder
	fmt.Fprintf(&b, "| %s from \\ to |", way)
	for _, m := range shown {
		b.WriteString(" " + plainName(m.Name) + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(shown)+1))
	for _, from := range shown {
		if from.Error != nil {
			continue // the list of machines says it
		}
		b.WriteString("\n| " + plainName(from.Name) + " |")
		for _, to := range shown {
			b.WriteString(" " + orElse(entries[[3]string{way, from.Name, to.Name}], "-") + " |")
		}
	}
	return b.String() + "\n"
}

func (o networkMapOut) running() []mapMachine {
	var all []mapMachine
	for _, m := range o.Machines {
		if m.State == orbctl.Running {
			all = append(all, m)
		}
	}
	return all
}

// mermaid draws what works as arrows and what does not as dotted ones that say what.
func (o networkMapOut) mermaid() string {
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart LR\n")
	for i, m := range o.Machines {
		note := ""
		switch {
		case m.Error != nil:
			note = "<br/>" + m.Error.Code
		case m.State != orbctl.Running:
			note = "<br/>" + m.State
		case m.IsolateNetwork:
			note = "<br/>isolate_network"
		}
		fmt.Fprintf(&b, "m%d[\"%s%s\"]\n", i, plainName(m.Name), note)
	}
	labels := o.labels()
	for i, from := range o.Machines {
		var oneWay, twoWays []string
		for j, to := range o.Machines {
			label, tried := labels[[2]string{from.Name, to.Name}]
			back, answered := labels[[2]string{to.Name, from.Name}]
			node := fmt.Sprintf("m%d", j)
			switch {
			case !tried:
			case label != "":
				fmt.Fprintf(&b, "m%d -.->|\"%s\"| %s\n", i, label, node)
			case answered && back == "" && i < j:
				twoWays = append(twoWays, node)
			case !answered || back != "":
				oneWay = append(oneWay, node)
			}
		}
		arrows(&b, i, "-->", oneWay)
		arrows(&b, i, "<-->", twoWays)
	}
	return b.String() + "```"
}

func arrows(b *strings.Builder, from int, arrow string, nodes []string) {
	if len(nodes) > 0 {
		fmt.Fprintf(b, "m%d %s %s\n", from, arrow, strings.Join(nodes, " & "))
	}
}

// labels is what does not work from one machine to another, "" where all does.
func (o networkMapOut) labels() map[[2]string]string {
	labels := map[[2]string]string{}
	entries := o.verdicts()
	for _, way := range o.ways() {
		for _, from := range o.Machines {
			for _, to := range o.Machines {
				pair := [2]string{from.Name, to.Name}
				verdict, tried := entries[[3]string{way, from.Name, to.Name}]
				if !tried {
					continue
				}
				if before := labels[pair]; verdict != string(guest.OK) {
					if before != "" {
						before += ", "
					}
					labels[pair] = before + way + " " + verdict
				} else {
					labels[pair] = before
				}
			}
		}
	}
	return labels
}

// verdicts are the entries without their times.
func (o networkMapOut) verdicts() map[[3]string]string {
	cells := slices.Clone(o.Cells)
	for i := range cells {
		cells[i].MS = 0
	}
	return networkMapOut{Cells: cells}.entries()
}
