#!/bin/bash

A=`pgrep nginx|wc -l`
if [ $A -eq 0 ];then

  #yum install
 /bin/systemctl start nginx.service
 
 # 源码安装 nginx
 # /usr/local/nginx/sbin/nginx

 if [ `pgrep nginx|wc -l` -eq 0 ];then
   /bin/systemctl stop keepalived.service
 fi
fi
