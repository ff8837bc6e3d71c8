banner
cat /etc/example/settings
id -u
