import { withBoto3 } from '../../helpers/needs.js';
import { findBoto3, runPython } from '../../helpers/service/boto3.js';
import { start } from './control-client.js';

const BOTO3_SCRIPT = `
import json, sys
import boto3
from botocore.exceptions import ClientError
client = boto3.client('kinesisvideo', endpoint_url=sys.argv[1], region_name='us-east-1',
    aws_access_key_id='local', aws_secret_access_key='local')
def error(call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        return [e.response['Error']['Code'], e.response['ResponseMetadata']['HTTPStatusCode'], type(e).__name__]
def info():
    return client.describe_stream(StreamName='door')['StreamInfo']
arn = client.create_stream(StreamName='door', MediaType='video/h264', DataRetentionInHours=1, Tags={'a': 'b'})['StreamARN']
first = info()
client.update_data_retention(StreamName='door', CurrentVersion=first['Version'],
    Operation='INCREASE_DATA_RETENTION', DataRetentionChangeInHours=4)
client.update_stream(StreamARN=arn, CurrentVersion=info()['Version'], DeviceName='bell')
client.tag_stream(StreamName='door', Tags={'c': 'd'})
client.untag_stream(StreamName='door', TagKeyList=['a'])
last = info()
said = {
    'first': [first['Status'], first['DataRetentionInHours'], first.get('DeviceName'), first['StreamARN'] == arn],
    'last': [last['DataRetentionInHours'], last['DeviceName'], last['Version'] != first['Version']],
    'tags': client.list_tags_for_stream(StreamARN=arn)['Tags'],
    'errors': [
        error(client.create_stream, StreamName='door'),
        error(client.update_stream, StreamName='door', CurrentVersion=first['Version']),
        error(client.tag_stream, StreamARN='door', Tags={'a': 'b'}),
        error(client.describe_stream, StreamName='none'),
    ],
    'streams': [s['StreamName'] for page in client.get_paginator('list_streams').paginate(
        StreamNameCondition={'ComparisonOperator': 'BEGINS_WITH', 'ComparisonValue': 'do'}) for s in page['StreamInfoList']],
}
client.delete_stream(StreamARN=arn, CurrentVersion=last['Version'])
said['deleted'] = error(client.describe_stream, StreamName='door')
print(json.dumps(said))
`;

withBoto3('boto3 makes, changes and deletes a stream', async (t) => {
	const pythons = await findBoto3();
	t.true(pythons.length > 0);
	for (const python of pythons) {
		const { url } = await start(t);
		t.deepEqual(await runPython(python, BOTO3_SCRIPT, [url]), {
			first: ['ACTIVE', 1, null, true],
			last: [5, 'bell', true],
			tags: { c: 'd' },
			errors: [
				['ResourceInUseException', 400, 'ResourceInUseException'],
				['VersionMismatchException', 400, 'VersionMismatchException'],
				['InvalidResourceFormatException', 400, 'InvalidResourceFormatException'],
				['ResourceNotFoundException', 404, 'ResourceNotFoundException'],
			],
			streams: ['door'],
			deleted: ['ResourceNotFoundException', 404, 'ResourceNotFoundException'],
		});
	}
});
