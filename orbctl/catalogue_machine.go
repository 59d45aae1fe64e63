package orbctl

// machineKeys are the keys of one machine, from the table of
// docs/orbctl-contract.md §4. Whether a limit holds at once or after a restart is
// [conflicting evidence] there.
func machineKeys() []Key {
	keys := []Key{
		{
			Field: "username", Type: UsernameValue,
			Default: Default{Evidence: NoneKnown}, Restart: Restart{No, Stated},
			Does:   "account that commands and shells in the machine run as when no user is named",
			Breaks: "an account that the machine does not have makes every command fail there",
		},
		{
			Field: "cpu", Type: IntValue, Unit: "cores", Min: 1, Bound: MacCPUs, ZeroUnlimited: true, Feature: MachineLimits,
			Default: Default{"0", Stated}, Restart: Restart{Unclear, NoneKnown},
			Does: "CPU cores that the machine may use, 0 for no limit",
			Down: "too few make the machine slow",
		},
		{
			Field: "memory_mib", Type: IntValue, Unit: "MiB", Min: 64, Bound: MacMemory, ZeroUnlimited: true, Feature: MachineLimits,
			Default: Default{"0", Stated}, Restart: Restart{Unclear, NoneKnown},
			Does: "memory that the machine may use, 0 for no limit",
			Down: "too little ends processes in the machine",
		},
		{
			Field: "disk_bytes", Type: IntValue, Unit: "bytes", Min: 256 << 20, ZeroUnlimited: true, Feature: MachineLimits,
			Default: Default{"0", Stated}, Restart: Restart{Unclear, NoneKnown},
			Does: "disk space that the machine may use, 0 for no limit",
			Down: "a machine at its quota cannot write, and cannot be renamed or deleted until the quota is raised",
		},
		{
			Field: "isolated", Type: BoolValue, Feature: Isolation,
			Default: Default{"false", Inferred}, Restart: Restart{Unclear, NoneKnown},
			Does: "keeps the Mac's files and commands out of the machine",
			Up:   "with it the machine no longer sees the Mac's files, and paths of the Mac do not exist there",
			Wall: Wall{FalseLowers, "the machine sees the Mac's files and can run commands on the Mac"},
		},
		{
			Field: "isolate_network", Type: BoolValue, Feature: NetworkIsolation,
			Default: Default{"false", Inferred}, Restart: Restart{Unclear, NoneKnown},
			Does: "keeps the machine from reaching other machines and the Mac",
			Up:   "with it the machine and its neighbours no longer reach each other",
			Wall: Wall{FalseLowers, "the machine reaches other machines and the Mac"},
		},
		{
			Field: "forward_ssh_agent", Type: BoolValue, Feature: AgentForwarding,
			Default: Default{Evidence: NoneKnown}, Restart: Restart{Unclear, NoneKnown},
			Does: "lets programs in the machine use the SSH keys of the Mac's agent",
			Down: "without it git and ssh in the machine need keys of their own",
			Wall: Wall{TrueLowers, "programs in the machine can log in with the user's SSH keys"},
		},
		{
			Field: "http_port", Type: IntValue, Max: 65535, Feature: WebPorts,
			Default: Default{"0", Stated}, Restart: Restart{Unclear, NoneKnown},
			Does:   "port of the machine that http://NAME.orb.local leads to, 0 to find it",
			Breaks: "if nothing in the machine listens on that port, http://NAME.orb.local leads to nothing",
		},
		{
			Field: "https_port", Type: IntValue, Max: 65535, Feature: WebPorts,
			Default: Default{"0", Stated}, Restart: Restart{Unclear, NoneKnown},
			Does:   "port of the machine that https://NAME.orb.local leads to, 0 to find it",
			Breaks: "if nothing in the machine listens on that port, https://NAME.orb.local leads to nothing",
		},
		{
			Field: "mounts", Type: MountsValue, Feature: MachineMounts,
			Default: Default{"", Inferred}, Restart: Restart{Unclear, NoneKnown},
			Does:   "folders of the Mac that an isolated machine sees, SRC or SRC:DEST, separated by commas",
			Breaks: "a folder that is missing here is missing in the machine",
			Wall:   Wall{AnyLowers, "the machine sees the folders of the Mac that are named"},
		},
	}
	for i := range keys {
		keys[i].Pattern, keys[i].Scope = MachineKey("NAME", keys[i].Field), MachineScope
	}
	return keys
}
