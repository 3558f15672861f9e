"""One file per node, named by its verb. A node is an async function from state to an update."""
