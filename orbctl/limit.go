package orbctl

import (
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// A Unit is how many bytes one of a stored value is; 0 for what are no bytes.
type Unit int64

// diskField is the field of a machine's key that holds its disk limit.
const diskField = "disk_bytes"

// A limit is one of a machine, as an argument and as a setting.
type limit struct {
	name  string // the argument
	field string // of the key machine.NAME.FIELD
	unit  Unit
	of    func(*LimitsWanted) *string
}

// limits are the three, in the order in which they are set.
func limits() []limit {
	return []limit{
		{"cpus", "cpu", 0, func(w *LimitsWanted) *string { return &w.CPUs }},
		{"memory", "memory_mib", 1 << 20, func(w *LimitsWanted) *string { return &w.Memory }},
		{"disk", diskField, 1, func(w *LimitsWanted) *string { return &w.Disk }},
	}
}

var size = regexp.MustCompile(`(?i)\A(\d{1,18}(?:\.\d{1,6})?)\s*(?:([KMGT])(?:i?B)?|B)\z`)

// parse reads a value as people write it and gives the one that is stored, or
// why there is none.
func (l limit) parse(text string, entry Entry, mac Mac) (raw, why string) {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, unlimited) {
		return "0", ""
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case l.unit == 0 && err != nil:
		return "", `must be a whole number of cores, such as "2", or "unlimited"`
	case l.unit != 0 && n != 0 && err == nil:
		return "", `needs a unit, such as "4G" or "512M"`
	case l.unit != 0 && err != nil:
		if n, why = l.bytes(text); why != "" {
			return "", why
		}
	}
	if _, problems := entry.checkInt(strconv.FormatInt(n, 10), mac); len(problems) > 0 {
		low, high := entry.Range(mac)
		why = "must be at least " + LimitText(low, l.unit)
		if high > 0 {
			why = fmt.Sprintf("must be %s to %s (the %s)", LimitText(low, l.unit), LimitText(high, l.unit), entry.Bound)
		}
		return "", why + `, or "unlimited"`
	}
	return strconv.FormatInt(n, 10), ""
}

// bytes reads a size into whole units. 1G is 1024M, as for `create --memory`
// [inferred: docs/orbctl-contract.md §2 has examples only].
func (l limit) bytes(text string) (n int64, why string) {
	m := size.FindStringSubmatch(text)
	if m == nil {
		return 0, `must be a size such as "4G" or "512M", or "unlimited"`
	}
	number, _ := new(big.Rat).SetString(m[1])
	factor := int64(1)
	if m[2] != "" {
		factor = 1 << (10 * (1 + strings.Index("KMGT", strings.ToUpper(m[2]))))
	}
	number.Mul(number, big.NewRat(factor, 1))
	if number.Cmp(big.NewRat(1<<62, 1)) > 0 {
		return 0, "is more than any computer has"
	}
	if number.Quo(number, big.NewRat(int64(l.unit), 1)); !number.IsInt() {
		return 0, "must be a whole number of " + map[Unit]string{1 << 20: "MiB", 1: "bytes"}[l.unit]
	}
	return number.Num().Int64(), ""
}

const unlimited = "unlimited"

// LimitText writes a stored limit as people do, in a form that SetLimits takes:
// 0 is "unlimited", 4096 MiB are "4G", a byte that fits no larger unit is "1025B".
func LimitText(n int64, unit Unit) string {
	switch {
	case n == 0:
		return unlimited
	case unit == 0:
		return strconv.FormatInt(n, 10)
	}
	n *= int64(unit)
	for i, letter := range []string{"T", "G", "M", "K"} {
		if per := int64(1) << (10 * (4 - i)); n%per == 0 {
			return strconv.FormatInt(n/per, 10) + letter
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// fitsDisk refuses a disk limit below what is in use: the machine could not
// write any more, nor be renamed or deleted (docs/orbctl-contract.md §5).
func fitsDisk(plan *ConfigPlan, info MachineInfo) error {
	wanted, _ := strconv.ParseInt(plan.raw, 10, 64) // a checked value
	if wanted == 0 || info.DiskSize > 0 && wanted >= info.DiskSize {
		return nil
	}
	why := fmt.Sprintf("must not be below what the machine uses, %d bytes", info.DiskSize)
	if info.DiskSize <= 0 {
		why = "cannot be checked: OrbStack does not say how much the machine uses"
	}
	e := invalid("value", plan.Value, why)
	e.Machine, e.Key = info.Name, plan.Name
	return e
}
