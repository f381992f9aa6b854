import { createHash } from 'node:crypto';
import {
	GetClipCommand,
	type GetClipCommandInput,
	KinesisVideoArchivedMediaClient,
	KinesisVideoArchivedMediaServiceException,
} from '@aws-sdk/client-kinesis-video-archived-media';
import { withBoto3 } from '../../helpers/needs.js';
import { findBoto3, runPython } from '../../helpers/service/boto3.js';
import {
	codedTrack,
	START_MS,
	smallAvc,
	startPlayback,
	videoFragment,
	videoFragments,
} from '../playback/start-playback.js';
import { requestClip } from './read-clip.js';

const credentials = { accessKeyId: 'AKIDCLIP', secretAccessKey: 'secret' };

const BOTO3_SCRIPT = `
import datetime, hashlib, json, sys
import boto3
from botocore.exceptions import ClientError
client = boto3.client('kinesis-video-archived-media', endpoint_url=sys.argv[1], region_name='us-east-1',
    aws_access_key_id='AKIDCLIP', aws_secret_access_key='secret')
responses = {}
for name, request in json.loads(sys.argv[2]).items():
    times = request['ClipFragmentSelector']['TimestampRange']
    for key in times:
        times[key] = datetime.datetime.fromtimestamp(times[key], datetime.timezone.utc)
    try:
        response = client.get_clip(**request)
        responses[name] = [response['ContentType'], hashlib.sha256(response['Payload'].read()).hexdigest()]
    except ClientError as e:
        responses[name] = [type(e).__name__, e.response['ResponseMetadata']['HTTPStatusCode'], e.response['Error']['Message']]
print(json.dumps(responses))
`;

/** Requests as both SDKs can make them: times are epoch seconds, whole ones, as boto3 sends no others. */
const clip = (StreamName: string, FragmentSelectorType: string, from: number, to: number): object => ({
	StreamName,
	ClipFragmentSelector: {
		FragmentSelectorType,
		TimestampRange: { StartTimestamp: START_MS / 1000 + from, EndTimestamp: START_MS / 1000 + to },
	},
});

const requests: Readonly<Record<string, object>> = {
	whole: clip('door', 'PRODUCER_TIMESTAMP', 0, 3000),
	part: clip('door', 'SERVER_TIMESTAMP', 3, 7),
	nothing: clip('door', 'PRODUCER_TIMESTAMP', 1000, 2000),
	backwards: clip('door', 'PRODUCER_TIMESTAMP', 2, 1),
	'unknown stream': clip('nobody', 'PRODUCER_TIMESTAMP', 0, 1),
	'no codec': clip('codec', 'PRODUCER_TIMESTAMP', 0, 3000),
	'no private data': clip('missing', 'PRODUCER_TIMESTAMP', 0, 3000),
	'private data of no use': clip('invalid', 'PRODUCER_TIMESTAMP', 0, 3000),
	'a frame that is cut': clip('cut', 'PRODUCER_TIMESTAMP', 0, 3000),
};

/** Content type, or the error's name and status. */
const expected: Readonly<Record<string, readonly unknown[]>> = {
	whole: ['video/mp4'],
	part: ['video/mp4'],
	nothing: ['ResourceNotFoundException', 404, 'No fragments found in the stream for the clip request.'],
	backwards: ['InvalidArgumentException', 400],
	'unknown stream': ['ResourceNotFoundException', 404],
	'no codec': ['UnsupportedStreamMediaTypeException', 400],
	'no private data': ['MissingCodecPrivateDataException', 400],
	'private data of no use': ['InvalidCodecPrivateDataException', 400],
	'a frame that is cut': ['InvalidMediaFrameException', 400],
};

withBoto3(
	'the JavaScript SDK and boto3 receive the same clips and errors, with signed requests',
	async (t) => {
		const { url, ingest } = await startPlayback(t, { credentials: [credentials], now: Date.now });
		const data = Buffer.from([0, 0, 0, 9, 0x65, 1]);
		const cut = [{ trackNumber: 1, relativeTicks: 0, keyframe: true, data }];
		await ingest(videoFragments(5));
		await ingest([videoFragment(0, { tracks: [codedTrack(1, 'V_VP9', smallAvc)] })], 'codec');
		await ingest([videoFragment(0, { tracks: [codedTrack(1, 'V_MPEG4/ISO/AVC', null)] })], 'missing');
		await ingest(
			[videoFragment(0, { tracks: [codedTrack(1, 'V_MPEG4/ISO/AVC', smallAvc.subarray(0, 9))] })],
			'invalid',
		);
		await ingest([videoFragment(0, { blocks: cut })], 'cut');
		t.is((await requestClip(url)).status, 403);

		const client = new KinesisVideoArchivedMediaClient({ region: 'us-east-1', endpoint: url, credentials });
		t.teardown(() => client.destroy());
		const responses: Record<string, unknown[]> = {};
		for (const [name, request] of Object.entries(requests)) {
			const withDates = JSON.parse(JSON.stringify(request), (key, value) =>
				key.endsWith('Timestamp') ? new Date(value * 1000) : value,
			) as GetClipCommandInput;
			responses[name] = await client.send(new GetClipCommand(withDates)).then(
				async ({ ContentType, Payload }) => {
					const bytes = (await Payload?.transformToByteArray()) ?? new Uint8Array();
					return [ContentType, createHash('sha256').update(bytes).digest('hex')];
				},
				(error: unknown) => {
					t.true(error instanceof KinesisVideoArchivedMediaServiceException, name);
					const { name: awsName, message, $metadata } = error as KinesisVideoArchivedMediaServiceException;
					return [awsName, $metadata.httpStatusCode, message];
				},
			);
			const fields = expected[name] ?? [];
			t.deepEqual(responses[name]?.slice(0, fields.length), [...fields], name);
		}
		t.not(responses['whole']?.[1], responses['part']?.[1]);
		for (const python of await findBoto3()) {
			t.deepEqual(await runPython(python, BOTO3_SCRIPT, [url, JSON.stringify(requests)]), responses);
		}
	},
);
