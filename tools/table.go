package tools

// All is the whole table, in the order of the documentation.
func All() []Tool {
	return []Tool{
		networkDetails(),
		testConnectivity(),
		dnsLookup(),
		networkMap(),
		configGet(),
		configSet(),
		usernameSet(),
		limitsSet(),
		orbstackStatus(),
		machineStatus(),
		readLogs(),
		listMachines(),
		createMachine(),
		cloneMachine(),
		startMachines(),
		stopMachines(),
		restartMachines(),
		renameMachine(),
		deleteMachine(),
		setDefaultMachine(),
		exportMachine(),
		importMachine(),
		execCommand(),
		followJob(),
		cancelJob(),
		pushFile(),
		pullFile(),
		copyFile(),
		createSandbox(),
		checkpointMachine(),
		rollbackMachine(),
	}
}
