"""What is connected: pictures from files and cameras (``inputs``), and the list of all devices (``listing``)."""
