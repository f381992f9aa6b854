/** A guess about the service that the local archive makes. */
export interface Guess {
	readonly number: number;
	readonly text: string;
}

/** What the local archive does, in the absence of evidence; each is settled by the probes that name its number. */
export const guesses: readonly Guess[] = [
	{
		number: 1,
		text: 'An unknown path, a path in other letters and a GET get 404 UnknownOperationException.',
	},
	{
		number: 2,
		text: 'A body that is empty, malformed or no object gets 400 SerializationException, or counts as one without members.',
	},
	{
		number: 3,
		text: 'A member of null is absent; unknown members are ignored; a Content-Type is not needed.',
	},
	{ number: 4, text: 'A member of another JSON type than the model gets 400 InvalidArgumentException.' },
	{
		number: 5,
		text: 'The body of an error has `__type`, `Message` and `message`; its headers are `x-amzn-ErrorType` and `x-amz-ErrorType`, each with a request id.',
	},
	{
		number: 6,
		text: 'The headers of a success: its content type, a request id, and a length unless it is media.',
	},
	{
		number: 7,
		text: 'Signatures that are missing, wrong, of an unknown key, too old or for another region each get an error of their own.',
	},
	{
		number: 8,
		text: 'StreamName and StreamARN may stand together if they mean one stream; an ARN needs the right creation time, and any region and account.',
	},
	{ number: 9, text: 'An unknown stream gets 404 ResourceNotFoundException, with one text everywhere.' },
	{
		number: 10,
		text: 'ListFragments without a selector, or with one that lacks members or has an unknown type, gets 400 InvalidArgumentException.',
	},
	{ number: 11, text: 'ListFragments takes MaxResults from 1 to 1000, and gives 100 without it.' },
	{
		number: 12,
		text: 'A range may be a single moment, and has both its ends in it, to the millisecond; one that ends before it begins is refused.',
	},
	{
		number: 13,
		text: 'A range with nothing in it, in the past, the future or before all retention, gives an empty list without a token.',
	},
	{
		number: 14,
		text: 'A listing is in no order; pages are full but for the last; the last has a NextToken of null.',
	},
	{
		number: 15,
		text: 'A NextToken that is malformed, changed, of another operation or of another stream gets 400 InvalidArgumentException.',
	},
	{ number: 16, text: 'A NextToken may be used again, and wins over a selector and a MaxResults beside it.' },
	{
		number: 17,
		text: 'GetMediaForFragmentList without numbers, with more than 1000 or with malformed ones gets 400 InvalidArgumentException.',
	},
	{
		number: 18,
		text: 'One number that was never issued, or is of another stream, has the whole request refused.',
	},
	{ number: 19, text: 'Fragments come in the order of the request, and twice where they are named twice.' },
	{
		number: 20,
		text: "A chunk of an archive: a header, the service's tags by the names of GetMedia with sizes of 4 bytes, the Cluster, and no tags after it.",
	},
	{
		number: 21,
		text: 'GetMedia with a selector that is unknown, incomplete or names a fragment or token that was never issued gets 400 InvalidArgumentException.',
	},
	{ number: 22, text: 'GetMedia begins after a number or a token, and with the fragment that holds a time.' },
	{
		number: 23,
		text: 'A chunk of GetMedia ends with MILLIS_BEHIND_NOW and CONTINUATION_TOKEN, which is its own number.',
	},
	{ number: 24, text: 'A session whose mode does not go with its range gets 400 InvalidArgumentException.' },
	{
		number: 25,
		text: "The range of a session or a clip is longer than nothing and a day at most, and on the server's clock in the past and within the longest retention.",
	},
	{ number: 26, text: 'Other members of a session out of their bounds get 400 InvalidArgumentException.' },
	{
		number: 27,
		text: 'A session or a clip of a range with nothing in it gets 404 ResourceNotFoundException, as does LIVE where nothing new comes.',
	},
	{ number: 28, text: 'The URL of a session: its path, and a token of URL-safe characters.' },
	{
		number: 29,
		text: 'Playlists of HLS with fragmented MP4: their lines, attributes, URIs and content type.',
	},
	{ number: 30, text: 'Playlists of HLS with MPEG-TS, and the URI of their fragments.' },
	{ number: 31, text: 'The manifest of DASH: elements, attributes, namespaces, URIs and content type.' },
	{
		number: 32,
		text: 'Initializations and fragments of a session: their boxes, content types, CORS and caching.',
	},
	{
		number: 33,
		text: 'A resource of a session gets 403 for a token that is wrong or missing, 400 for an unknown track, 404 for an unknown fragment.',
	},
	{ number: 34, text: 'GetClip needs a selector with type and range.' },
	{ number: 35, text: 'A clip is a classic MP4 of type video/mp4.' },
	{
		number: 36,
		text: 'GetImages refuses ranges over 300 s, intervals under 200 ms, unknown formats and sizes out of bounds with 400 InvalidArgumentException, a width alone with ValidationException.',
	},
	{
		number: 37,
		text: 'GetImages gives rows in order with Error, ImageContent and TimeStamp, an interval of 3 s without one, and 25 rows a page at most.',
	},
	{
		number: 38,
		text: 'A time of GetImages at which nothing begins gets NO_MEDIA; a range before all retention is refused.',
	},
	{
		number: 39,
		text: 'GetDataEndpoint refuses an APIName that is missing or unknown, and gives an address without a path.',
	},
	{ number: 40, text: 'DescribeStream, ListStreams and their like: their members, and what they refuse.' },
	{
		number: 41,
		text: 'CreateStream, UpdateDataRetention, TagStream and DeleteStream refuse what is out of bounds, exists or has another version.',
	},
	{
		number: 42,
		text: 'PutMedia without its headers, or with both names of a stream, gets 400 InvalidArgumentException.',
	},
	{
		number: 43,
		text: 'Acknowledgements: BUFFERING, RECEIVED, PERSISTED of each fragment in that order, with their members in one order.',
	},
	{
		number: 44,
		text: 'Errors of PutMedia: 4004 for a time that does not grow, 4006 for other bytes than Matroska, 4009 for too many tags, 4010 for an undeclared track, 4011 for a track without frames.',
	},
];

/** What no request of a minute can settle: it takes time, load, or a stream in a certain state. */
export const unsettled: readonly string[] = [
	'how long a NextToken and a data endpoint are good for',
	'whether 501 to 1000 fragments in one request exceed the quota, and which error a sixth connection gets',
	'what a fragment that expired by retention, or is listed but not readable yet, gives (3000, 4000)',
	'whether chunks follow an exception in the same response',
	'when GetMedia ends, besides its 45 minutes, and what LIVE and LIVE_REPLAY playlists do as they grow',
	'the text of an expired playback token, which takes five minutes to expire',
	'errors of KMS keys, of codecs that cannot be played, and of streams without retention',
];
