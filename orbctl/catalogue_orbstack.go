package orbctl

// orbstackKeys are the keys of OrbStack as a whole, from the table of
// docs/orbctl-contract.md §4. A restart without a mark there is Stated.
func orbstackKeys() []Key {
	return []Key{
		{
			Pattern: "cpu", Scope: OrbStackScope, Type: IntValue, Unit: "cores", Min: 1, Bound: MacCPUs,
			Default: Default{Evidence: NoneKnown}, Observed: "11", Restart: Restart{Yes, Inferred},
			Does: "CPU cores that the VM of all machines and containers may use together",
			Down: "too few make everything in OrbStack slow",
		},
		{
			Pattern: "memory_mib", Scope: OrbStackScope, Type: IntValue, Unit: "MiB", Min: 1024, Bound: MacMemory,
			Default: Default{Evidence: NoneKnown}, Observed: "16384", Restart: Restart{Yes, Inferred},
			Does: "memory that the VM of all machines and containers may use together",
			Up:   "too much leaves the Mac short",
			Down: "too little ends processes in machines and containers",
		},
		{
			Pattern: "rosetta", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{"true", Stated}, Restart: Restart{Yes, Inferred},
			Does: "runs amd64 programs through Rosetta",
			Down: "without it amd64 machines and containers are slow or do not run",
		},
		{
			Pattern: "network.subnet4", Scope: OrbStackScope, Type: CIDRValue,
			Default: Default{"192.168.138.0/23", Stated}, Restart: Restart{Yes, Inferred},
			Does:   "IPv4 network of the machines and of the proxy addresses of NAME.orb.local",
			Breaks: "a network that the Mac or a VPN uses too makes machines unreachable; every machine's address changes",
		},
		{
			Pattern: "network_proxy", Scope: OrbStackScope, Type: ProxyValue,
			Default: Default{"auto", Stated}, Restart: Restart{Unclear, NoneKnown},
			Does:   "proxy for traffic of machines and containers: auto (as the Mac), none, or a URL",
			Breaks: "a wrong proxy cuts machines and containers off the network",
			Wall:   Wall{AnyLowers, "it decides through which host all traffic of machines and containers goes"},
		},
		{
			Pattern: "network.proxy.exclude", Scope: OrbStackScope, Type: ListValue,
			Default: Default{Evidence: NoneKnown}, Restart: Restart{Unclear, NoneKnown},
			Does:   "hosts that are reached without the proxy",
			Breaks: "an internal host that is missing here goes through the proxy and may not be found",
			Wall:   Wall{AnyLowers, "traffic to the hosts named passes the proxy by"},
		},
		{
			Pattern: "network.https", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{Evidence: NoneKnown}, Restart: Restart{Unclear, NoneKnown},
			Does: "serves NAME.orb.local over HTTPS with a certificate of OrbStack",
			Down: "without it https://NAME.orb.local does not answer",
		},
		{
			Pattern: "network_bridge", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{Evidence: NoneKnown}, Restart: Restart{Unclear, NoneKnown},
			Does: "lets the Mac reach machines and containers by their addresses",
			Down: "without it only published ports and NAME.orb.local work from the Mac",
		},
		{
			Pattern: "mount_hide_shared", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{"false", Inferred}, Restart: Restart{Unclear, NoneKnown},
			Does: "hides the OrbStack volume with the machines' files on the Mac",
			Up:   "programs on the Mac that open files of machines may not find them",
		},
		{
			Pattern: "data_dir", Scope: OrbStackScope, Type: PathValue,
			Default: Default{"", Stated}, Restart: Restart{Yes, Stated},
			Does:   "folder on the Mac that holds the data of all machines and containers",
			Breaks: "if the folder does not hold the data that is used now, OrbStack starts with other data or not at all, and machines seem to be gone",
			Wall:   Wall{AnyLowers, "it decides where the data of all machines is kept"},
		},
		{
			Pattern: "data_allow_backup", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{"false", Seen}, Restart: Restart{Unclear, NoneKnown},
			Does: "lets Time Machine back up OrbStack's data",
			Up:   "with it backups may become very large",
		},
		{
			Pattern: "docker.set_context", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{"true", Inferred}, Restart: Restart{No, Stated},
			Does: "makes OrbStack the Docker context of the Mac when it starts",
			Down: "without it docker may talk to another engine",
		},
		{
			Pattern: "docker.expose_ports_to_lan", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{"true", Seen}, Restart: Restart{Unclear, NoneKnown},
			Does: "lets other computers of the network reach published ports of containers",
			Down: "without it containers are reached from this Mac only",
			Wall: Wall{TrueLowers, "other computers of the network reach published ports of containers"},
		},
		{
			Pattern: "docker.node_name", Scope: OrbStackScope, Type: HostnameValue,
			Default: Default{"orbstack", Stated}, Restart: Restart{Unclear, NoneKnown},
			Does:   "name that the Docker engine gives itself",
			Breaks: "tools that look for the old name do not find it",
		},
		{
			Pattern: "machines.expose_ports_to_lan", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{"true", Seen}, Restart: Restart{Unclear, NoneKnown},
			Does: "lets other computers of the network reach ports of machines",
			Down: "without it servers in machines are reached from this Mac only",
			Wall: Wall{TrueLowers, "other computers of the network reach ports of machines"},
		},
		{
			Pattern: "machines.forward_ports", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{"true", Seen}, Restart: Restart{Unclear, NoneKnown},
			Does: "forwards ports that machines listen on to localhost of the Mac",
			Down: "without it localhost:PORT on the Mac does not reach a machine",
		},
		{
			Pattern: "k8s.enable", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{"false", Seen}, Restart: Restart{Yes, Seen},
			Does: "runs a Kubernetes cluster of one node",
			Up:   "it takes memory and CPU all the time",
		},
		{
			Pattern: "k8s.expose_services", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{"false", Seen}, Restart: Restart{Yes, Seen},
			Does: "lets other computers of the network reach services of Kubernetes",
			Down: "without it services are reached from this Mac only",
			Wall: Wall{TrueLowers, "other computers of the network reach services of Kubernetes"},
		},
		{
			Pattern: "ssh.expose_port", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{"false", Stated}, Restart: Restart{Unclear, NoneKnown},
			Does: "lets other computers of the network reach the SSH server for all machines",
			Down: "without it SSH to machines works from this Mac only",
			Wall: Wall{TrueLowers, "other computers of the network reach the SSH server for all machines"},
		},
		{
			Pattern: "setup.use_admin", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{Evidence: NoneKnown}, Restart: Restart{No, Stated},
			Does: "lets OrbStack use administrator rights for command links and sockets",
			Down: "without it some programs do not find Docker's socket",
			Wall: Wall{AnyLowers, "it decides whether OrbStack uses administrator rights on the Mac"},
		},
		{
			Pattern: "app.start_at_login", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{"false", Inferred}, Restart: Restart{No, Stated},
			Does: "starts OrbStack when the user logs in",
			Down: "without it machines are down after a restart of the Mac until OrbStack is opened",
		},
		{
			Pattern: "power.pause_in_sleep", Scope: OrbStackScope, Type: BoolValue,
			Default: Default{Evidence: NoneKnown}, Restart: Restart{Unclear, NoneKnown},
			Does: "pauses machines while the Mac sleeps",
			Down: "without it machines use the battery while the Mac sleeps",
		},
	}
}
