"""What people see of each job."""
