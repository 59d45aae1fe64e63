package orbctl

import (
	"cmp"
	"slices"
	"strings"
)

// Nearest picks at most three of the names that word may have been meant to be,
// the likeliest first: those that differ by few letters, and those that contain
// it or are contained in it. Case does not count.
func Nearest(word string, names []string) []string {
	type candidate struct {
		name     string
		distance int
	}
	word = strings.ToLower(strings.TrimSpace(word))
	if word == "" || len(word) > 256 {
		return nil
	}
	var near []candidate
	for _, name := range names {
		lower := strings.ToLower(name)
		d := distance(word, lower)
		if slices.ContainsFunc(near, func(c candidate) bool { return c.name == name }) {
			continue // named twice
		}
		if d <= max(1, len(word)*2/5) || len(word) > 2 && strings.Contains(lower, word) || len(lower) > 2 && strings.Contains(word, lower) {
			near = append(near, candidate{name, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var picked []string
	for _, c := range near[:min(3, len(near))] {
		picked = append(picked, c.name)
	}
	return picked
}

// distance is how many letters have to be inserted, deleted, replaced, or
// swapped with their neighbour, to make b of a (optimal string alignment).
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, above, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		before, above, row = above, row, before
		row[0] = i + 1
		for j := range y {
			replace := above[j]
			if x[i] != y[j] {
				replace++
			}
			row[j+1] = min(above[j+1]+1, row[j]+1, replace)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
	}
	return row[len(y)]
}
