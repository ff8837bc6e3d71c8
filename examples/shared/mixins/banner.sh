#!/bin/sh
echo "*** ${BANNER:-no text} ***"
