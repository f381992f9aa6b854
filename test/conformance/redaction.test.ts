import { fc, testProp } from '@fast-check/ava';
import test from 'ava';
import { fragmentDocument, fragmentNumber } from '../helpers/media/payload.js';
import { normaliseResponse } from './normalise/normalise-response.js';
import { Placeholders, type Sample } from './normalise/placeholders.js';
import { type ConformanceRecord, recordOf, recordText } from './record.js';
import { assertRedacted, type Secrets } from './redaction.js';

const sample: Sample = {
	stream: 'front.door-7',
	arn: 'arn:aws:kinesisvideo:eu-central-1:123456789012:stream/front.door-7/1551924009774',
	scratch: 'kvs-archive-conformance-0a1b2c3d',
	fragments: Array.from({ length: 6 }, (_, index) => ({
		number: fragmentNumber(index),
		serverMs: 1_700_000_000_000 + index * 2000,
		producerMs: 1_700_000_000_000 + index * 2000,
	})),
};

const secrets: Secrets = {
	sample,
	signer: {
		region: 'eu-central-1',
		accessKeyId: 'ASIAQWERTYUIOPASDFGH',
		secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLEKEY',
		sessionToken: 'FwoGZXIvYXdzEPr//////////wEaDHJ2c2VjcmV0dG9rZW4xMjM0NTY3ODkw',
	},
	hosts: ['b-87178fb5.kinesisvideo.eu-central-1.amazonaws.com'],
};

/** Everything that must not be in a record. */
const forbidden = [
	...Object.values(secrets.signer).filter((value) => value !== 'eu-central-1'),
	...secrets.hosts,
	sample.stream,
	sample.scratch,
	sample.arn,
	'123456789012',
	'203.0.113.9',
	'2001:db8:1:2:3:4:5:6',
	'7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26',
	'5e1c9ba1-bdb5-4a4e-8d5c-0a3b3b8d1f7e',
	...sample.fragments.map(({ number }) => number),
];

function recorded(headers: Record<string, string>, body: string | Buffer, status = 200): ConformanceRecord {
	const response = normaliseResponse(
		{ status, headers, body: Buffer.from(body), isComplete: true },
		new Placeholders(sample, 0),
	);
	const request = { to: 'control', path: '/describeStream' } as const;
	return recordOf('the service', [{ name: 'one', guess: 1, steps: [{ request, response }] }]);
}

testProp(
	'no message of an error brings anything into a record that identifies its account',
	[
		fc.array(fc.oneof(fc.constantFrom(...forbidden), fc.lorem()), { maxLength: 12 }),
		fc.constantFrom(' ', '\n', "' '", ': ', ', ', '"', '('),
	],
	(t, words, separator) => {
		const message = words.join(separator);
		const record = recorded(
			{
				'x-amzn-errortype': `AccessDeniedException:http://${secrets.hosts[0]}/coral/`,
				'x-amzn-requestid': forbidden.at(-7) as string,
			},
			JSON.stringify({ __type: 'AccessDeniedException', Message: message, message }),
			403,
		);
		for (const text of forbidden) t.false(recordText(record).includes(text), text);
		assertRedacted(record, secrets);
	},
);

testProp(
	'no member of a response brings in its value, whatever its name',
	[
		fc.dictionary(
			fc.oneof(
				fc.constantFrom(
					'DeviceName',
					'KmsKeyId',
					'StreamName',
					'StreamARN',
					'NextToken',
					'Tags',
					'Status',
					'DataEndpoint',
					'FragmentNumber',
				),
				fc.constantFrom(sample.stream),
			),
			fc.oneof(
				fc.constantFrom(
					...forbidden,
					`https://${secrets.hosts[0]}/hls/v1/x.m3u8?SessionToken=${secrets.signer.sessionToken}`,
				),
				fc.dictionary(fc.constantFrom(...forbidden), fc.constantFrom(...forbidden)),
			),
		),
	],
	(t, members) => {
		const record = recorded(
			{ 'content-type': 'application/json', 'x-amz-cf-id': forbidden[0] as string },
			JSON.stringify(members),
		);
		for (const text of forbidden) t.false(recordText(record).includes(text), text);
		assertRedacted(record, secrets);
	},
);

test('a record keeps no tokens, fragment numbers or hosts of playlists and manifests', (t) => {
	const token = secrets.signer.sessionToken;
	const number = fragmentNumber(77);
	const uri = `getMP4MediaFragment.mp4?FragmentNumber=${number}&SessionToken=${token}&TrackNumber=1`;
	const playlist = `#EXTM3U\n#EXT-X-MAP:URI="https://${secrets.hosts[0]}/x?SessionToken=${token}"\n#EXTINF:1.857,\n${uri}\n`;
	const manifest = `<?xml version="1.0"?><MPD type="static" id="${number}"><BaseURL>https://${secrets.hosts[0]}/</BaseURL><SegmentTemplate media="${uri.replaceAll('&', '&amp;')}"/></MPD>`;
	for (const text of [playlist, manifest]) {
		const record = recorded({ 'content-type': 'text/plain' }, text);
		for (const value of [...forbidden, number]) t.false(recordText(record).includes(value), value);
		assertRedacted(record, secrets);
	}
});

test('a record keeps only the structure, the length and the hash of media', (t) => {
	const { number, producerMs } = sample.fragments[0] as Sample['fragments'][number];
	const media = fragmentDocument({ number, producerMs });
	const record = recorded({ 'content-type': 'video/webm' }, media);
	const [response] = record.probes.flatMap(({ steps }) => steps.map((step) => step.response));
	t.deepEqual(response?.body, {
		Matroska: [
			[
				'EBML',
				'Segment of unknown size',
				'producer',
				{
					AWS_KINESISVIDEO_FRAGMENT_NUMBER: '{fragment:0}',
					AWS_KINESISVIDEO_SERVER_TIMESTAMP: '<seconds with three digits>',
					AWS_KINESISVIDEO_PRODUCER_TIMESTAMP: '<seconds with three digits>',
					'bytes of sizes': [1],
				},
				'Cluster',
			],
		],
	});
	t.like(response?.notes, { bytes: media.byteLength, chunks: 1 });
	t.false(recordText(record).includes('frame-0000'));
	t.false(recordText(record).includes(media.toString('base64').slice(0, 40)));
	assertRedacted(record, secrets);
});

test('a record that still contains a secret is not written', (t) => {
	for (const value of forbidden) {
		const record = recorded({}, '{}');
		const [probe] = record.probes;
		const response = { ...probe?.steps[0]?.response, body: { Text: `is ${value} it` } };
		const leaking = {
			...record,
			probes: [{ ...probe, steps: [{ response }] }],
		} as unknown as ConformanceRecord;
		const { message } = t.throws(() => assertRedacted(leaking, secrets), undefined, value);
		t.false(message.includes(value), 'the error itself does not repeat it');
	}
});
