#!/bin/sh
# Shows that the environment, the working directory and the files of the snapshot reach the sandbox.
echo "$GREETING"
echo "kernel $(uname -r), working directory $(pwd)"
if [ -f data/sum ]; then echo "the numbers from 1 to 1000 add up to $(cat data/sum)"; fi
