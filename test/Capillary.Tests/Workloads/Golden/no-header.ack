MSH|^~\&|||||20261120081531+0000||ACK|20261120081531000001|P|2.5.1
MSA|AR
ERR|||100^Segment sequence error^HL70357|E||||the message does not begin with a readable MSH segment
