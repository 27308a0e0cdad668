"""What runs by time: one supervised process that starts each scheduled task when it is due."""
