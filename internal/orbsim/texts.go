package orbsim

import _ "embed" // the texts below

// bannerText is the box about an update (docs/orbctl-contract.md §1.11).
//
//go:embed texts/update-banner.txt
var bannerText string

// noMachinesText is what list says where there is nothing (§5).
//
//go:embed texts/no-machines.txt
var noMachinesText string

// restartHint follows a setting of the whole VM (§4).
const restartHint = "Restart OrbStack with \"orbctl stop\" to apply changes.\n"
