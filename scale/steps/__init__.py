"""Scale's own programs around a job's: tasks of their own, on the node of the job. They know neither Django nor the service."""
