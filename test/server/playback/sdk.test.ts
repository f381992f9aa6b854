import {
	GetDASHStreamingSessionURLCommand,
	type GetDASHStreamingSessionURLCommandInput,
	GetHLSStreamingSessionURLCommand,
	type GetHLSStreamingSessionURLCommandInput,
	KinesisVideoArchivedMediaClient,
	KinesisVideoArchivedMediaServiceException,
} from '@aws-sdk/client-kinesis-video-archived-media';
import { withBoto3 } from '../../helpers/needs.js';
import { findBoto3, runPython } from '../../helpers/service/boto3.js';
import {
	codedTrack,
	fetchText,
	START_MS,
	smallAvc,
	startPlayback,
	videoFragment,
	videoFragments,
} from './start-playback.js';

const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

/** Seconds from the start of the recordings: what boto3 can say, which sends whole ones. */
const time = (seconds: number): number => START_MS / 1000 + seconds;

/** Requests as both SDKs can make them: times are epoch seconds. */
function requests(): Record<string, object> {
	const onDemand = (StreamName: string, more: object = {}): object => ({
		StreamName,
		PlaybackMode: 'ON_DEMAND',
		HLSFragmentSelector: {
			FragmentSelectorType: 'PRODUCER_TIMESTAMP',
			TimestampRange: { StartTimestamp: time(0), EndTimestamp: time(3000) },
		},
		...more,
	});
	return {
		'on demand': onDemand('door', {
			ContainerFormat: 'MPEG_TS',
			DiscontinuityMode: 'ON_DISCONTINUITY',
			DisplayFragmentTimestamp: 'ALWAYS',
			Expires: 43_200,
			MaxMediaPlaylistFragmentResults: 2,
		}),
		replay: {
			StreamName: 'door',
			PlaybackMode: 'LIVE_REPLAY',
			HLSFragmentSelector: {
				FragmentSelectorType: 'SERVER_TIMESTAMP',
				TimestampRange: { StartTimestamp: time(0) },
			},
		},
		live: { StreamName: 'door' },
		'unknown stream': onDemand('nobody'),
		'too long a session': onDemand('door', { Expires: 43_201 }),
		'no codec': onDemand('codec'),
		'no private data': onDemand('missing'),
		'private data of no use': onDemand('invalid'),
	};
}

/** The same in DASH: nothing but names differs. */
function dashRequests(): Record<string, object> {
	const names = { HLSFragmentSelector: 'DASHFragmentSelector', ContainerFormat: '', DiscontinuityMode: '' };
	const renamed = (request: object): object =>
		Object.fromEntries(
			Object.entries({ ...request, DisplayFragmentNumber: 'ALWAYS' }).flatMap(([name, value]) => {
				if (name === 'MaxMediaPlaylistFragmentResults') return [['MaxManifestFragmentResults', value]];
				const other = name in names ? names[name as keyof typeof names] : name;
				return other === '' ? [] : [[other, value]];
			}),
		);
	return Object.fromEntries(
		Object.entries(requests()).map(([title, request]) => [`DASH, ${title}`, renamed(request)]),
	);
}

/** What came of each: the path of the URL, or the error's name, status and message. */
const expectedHls: Readonly<Record<string, unknown>> = {
	'on demand': '/hls/v1/getHLSMasterPlaylist.m3u8',
	replay: '/hls/v1/getHLSMasterPlaylist.m3u8',
	live: ['ResourceNotFoundException', 404, 'No fragments found in the stream for the streaming request.'],
	'unknown stream': ['ResourceNotFoundException', 404, 'The requested stream is not found or not active.'],
	'too long a session': [
		'InvalidArgumentException',
		400,
		'expected Expires to be a whole number from 300 to 43200, got 43201',
	],
	'no codec': ['UnsupportedStreamMediaTypeException', 400],
	'no private data': [
		'MissingCodecPrivateDataException',
		400,
		'Missing codec private data in fragment for track 1.',
	],
	'private data of no use': [
		'InvalidCodecPrivateDataException',
		400,
		'Invalid codec private data in fragment for track 1.',
	],
};

const expected: Readonly<Record<string, unknown>> = {
	...expectedHls,
	...Object.fromEntries(
		Object.entries(expectedHls).map(([title, value]) => [
			`DASH, ${title}`,
			typeof value === 'string' ? '/dash/v1/getDASHManifest.mpd' : value,
		]),
	),
};

const BOTO3_SCRIPT = `
import datetime, json, sys, urllib.parse
import boto3
from botocore.exceptions import ClientError
client = boto3.client('kinesis-video-archived-media', endpoint_url=sys.argv[1], region_name='us-east-1',
    aws_access_key_id='local', aws_secret_access_key='local')
responses = {}
for name, request in json.loads(sys.argv[2]).items():
    for selector in ['HLSFragmentSelector', 'DASHFragmentSelector']:
        times = request.get(selector, {}).get('TimestampRange', {})
        for key in times:
            times[key] = datetime.datetime.fromtimestamp(times[key], datetime.timezone.utc)
    try:
        if name.startswith('DASH'):
            url = client.get_dash_streaming_session_url(**request)['DASHStreamingSessionURL']
        else:
            url = client.get_hls_streaming_session_url(**request)['HLSStreamingSessionURL']
        responses[name] = {'url': url}
    except ClientError as e:
        responses[name] = [type(e).__name__, e.response['ResponseMetadata']['HTTPStatusCode'], e.response['Error']['Message']]
print(json.dumps(responses))
`;

withBoto3('the JavaScript SDK and boto3 get the same sessions, and the same errors', async (t) => {
	const { url, ingest } = await startPlayback(t);
	await ingest(videoFragments(5));
	await ingest([videoFragment(0, { tracks: [codedTrack(1, 'V_VP9', smallAvc)] })], 'codec');
	await ingest([videoFragment(0, { tracks: [codedTrack(1, 'V_MPEG4/ISO/AVC', null)] })], 'missing');
	await ingest(
		[videoFragment(0, { tracks: [codedTrack(1, 'V_MPEG4/ISO/AVC', smallAvc.subarray(0, 9))] })],
		'invalid',
	);
	const simplified = async (response: unknown, name: string): Promise<unknown> => {
		if (!Array.isArray(response)) {
			const address = new URL((response as { url: string }).url);
			t.is(address.origin, url);
			t.regex(await fetchText(address), /^#EXTM3U|<MPD /);
			return address.pathname;
		}
		return response.slice(0, (expected[name] as unknown[]).length);
	};

	const client = new KinesisVideoArchivedMediaClient({ region: 'us-east-1', endpoint: url, credentials });
	t.teardown(() => client.destroy());
	const all = { ...requests(), ...dashRequests() };
	for (const [name, request] of Object.entries(all)) {
		const withDates = JSON.parse(JSON.stringify(request), (key, value) =>
			key.endsWith('Timestamp') && typeof value === 'number' ? new Date(value * 1000) : value,
		) as GetHLSStreamingSessionURLCommandInput & GetDASHStreamingSessionURLCommandInput;
		const sent: Promise<{
			HLSStreamingSessionURL?: string | undefined;
			DASHStreamingSessionURL?: string | undefined;
		}> = name.startsWith('DASH')
			? client.send(new GetDASHStreamingSessionURLCommand(withDates))
			: client.send(new GetHLSStreamingSessionURLCommand(withDates));
		const response = await sent.then(
			({ HLSStreamingSessionURL: hls, DASHStreamingSessionURL: dash }) => ({ url: hls ?? dash }),
			(error: unknown) => {
				t.true(error instanceof KinesisVideoArchivedMediaServiceException, name);
				const { name: awsName, message, $metadata } = error as KinesisVideoArchivedMediaServiceException;
				return [awsName, $metadata.httpStatusCode, message];
			},
		);
		t.deepEqual(await simplified(response, name), expected[name], name);
	}

	for (const python of await findBoto3()) {
		const responses = await runPython(python, BOTO3_SCRIPT, [url, JSON.stringify(all)]);
		for (const name of Object.keys(expected)) {
			t.deepEqual(await simplified(responses[name], name), expected[name], `boto3: ${name}`);
		}
	}
});
