#!/bin/bash

A=`pgrep nginx|wc -l`
if [ $A -eq 0 ];then
 # a package
 /bin/systemctl start nginx.service
 if [ `pgrep nginx|wc -l` -eq 0 ];then
   /bin/systemctl stop keepalived.service
 fi
fi
