import type {
	APIName,
	CreateStreamCommandInput,
	DescribeStreamCommandInput,
	GetDataEndpointCommandInput,
	ListStreamsCommandInput,
	ListStreamsCommandOutput,
} from '@aws-sdk/client-kinesis-video';
import type {
	GetClipCommandInput,
	GetDASHStreamingSessionURLCommandInput,
	GetHLSStreamingSessionURLCommandInput,
	GetImagesCommandInput,
	GetImagesCommandOutput,
	GetMediaForFragmentListCommandInput,
	ListFragmentsCommandInput,
	ListFragmentsCommandOutput,
} from '@aws-sdk/client-kinesis-video-archived-media';
import type { GetMediaCommandInput } from '@aws-sdk/client-kinesis-video-media';
import { InvalidOptionError } from '../errors.js';

/** The operations that are known by name, and what each takes. */
export interface OperationInputs {
	ListFragments: ListFragmentsCommandInput;
	GetMediaForFragmentList: GetMediaForFragmentListCommandInput;
	GetMedia: GetMediaCommandInput;
	GetHLSStreamingSessionURL: GetHLSStreamingSessionURLCommandInput;
	GetDASHStreamingSessionURL: GetDASHStreamingSessionURLCommandInput;
	GetClip: GetClipCommandInput;
	GetImages: GetImagesCommandInput;
	GetDataEndpoint: GetDataEndpointCommandInput;
	CreateStream: CreateStreamCommandInput;
	DescribeStream: DescribeStreamCommandInput;
	ListStreams: ListStreamsCommandInput;
}

/** The pages of the operations that have them. */
export interface OperationPages {
	ListFragments: ListFragmentsCommandOutput;
	GetImages: GetImagesCommandOutput;
	ListStreams: ListStreamsCommandOutput;
}

/** An operation by AWS's name. boto3's, `list_fragments`, does as well wherever a name is taken. */
export type OperationName = keyof OperationInputs;

/** What an operation takes; of one that is named at run time, anything. */
export type OperationParams<Name extends string> = Name extends OperationName
	? Partial<OperationInputs[Name]>
	: Readonly<Record<string, unknown>>;

/** How the next page of an operation is requested; all of them take `NextToken` and `MaxResults`. */
export interface Paging {
	/** The member of a response that holds its items. */
	readonly itemsMember: string;
	/** Fragment-metadata points that a page costs, by its size (service quotas). */
	readonly metadataPoints: (pageSize: number) => number;
	/** Fragment-media points, likewise. */
	readonly mediaPoints: (pageSize: number) => number;
	/** The largest MaxResults. */
	readonly maxPageSize: number;
}

/** The SDK's clients for data endpoints. */
export type DataClientName = 'archivedMedia' | 'media';

/** How an operation on a stream's data is reached. */
export interface DataApi {
	/** The name by which GetDataEndpoint gives its endpoint. */
	readonly apiName: APIName;
	/** Which of the SDK's clients has it. */
	readonly client: DataClientName;
}

/** What is known of an operation. */
export interface Operation {
	readonly name: OperationName;
	/** Null for the control plane's. */
	readonly data: DataApi | null;
	/** Whether it is about one stream. */
	readonly requiresStream: boolean;
	readonly paging: Paging | null;
	/** Loads the SDK's command class. */
	readonly loadCommand: () => Promise<Command>;
}

type Command = new (input: never) => object;

const free = (): number => 0;
const operations: readonly Operation[] = [
	archived('ListFragments', 'LIST_FRAGMENTS', {
		itemsMember: 'Fragments',
		metadataPoints: (pageSize) => pageSize,
		mediaPoints: free,
		maxPageSize: 1000,
	}),
	archived('GetMediaForFragmentList', 'GET_MEDIA_FOR_FRAGMENT_LIST'),
	{
		name: 'GetMedia',
		data: { apiName: 'GET_MEDIA', client: 'media' },
		requiresStream: true,
		paging: null,
		loadCommand: () => commandOf(() => import('@aws-sdk/client-kinesis-video-media'), 'GetMedia'),
	},
	archived('GetHLSStreamingSessionURL', 'GET_HLS_STREAMING_SESSION_URL'),
	archived('GetDASHStreamingSessionURL', 'GET_DASH_STREAMING_SESSION_URL'),
	archived('GetClip', 'GET_CLIP'),
	archived('GetImages', 'GET_IMAGES', {
		itemsMember: 'Images',
		metadataPoints: (pageSize) => 400 + pageSize,
		mediaPoints: (pageSize) => pageSize,
		maxPageSize: 100,
	}),
	control('GetDataEndpoint'),
	control('CreateStream'),
	control('DescribeStream'),
	{
		...control('ListStreams'),
		requiresStream: false,
		paging: { itemsMember: 'StreamInfoList', metadataPoints: free, mediaPoints: free, maxPageSize: 10_000 },
	},
];

const byName: ReadonlyMap<string, Operation> = new Map(
	operations.flatMap((operation) => [
		[operation.name, operation],
		[toSnakeCase(operation.name), operation],
	]),
);

/** The operation of that name, AWS's or boto3's. Throws {@link InvalidOptionError} for a name that none has. */
export function findOperation(name: string): Operation {
	const operation = byName.get(name);
	if (operation !== undefined) return operation;
	const names = operations.map((known) => known.name).join(', ');
	throw new InvalidOptionError('operation', `one of ${names}`, name);
}

function archived(name: OperationName, apiName: APIName, paging: Paging | null = null): Operation {
	const load = (): Promise<object> => import('@aws-sdk/client-kinesis-video-archived-media');
	return {
		name,
		data: { apiName, client: 'archivedMedia' },
		requiresStream: true,
		paging,
		loadCommand: () => commandOf(load, name),
	};
}

function control(name: OperationName): Operation {
	const load = (): Promise<object> => import('@aws-sdk/client-kinesis-video');
	return {
		name,
		data: null,
		requiresStream: true,
		paging: null,
		loadCommand: () => commandOf(load, name),
	};
}

/** The SDK names its command classes after the operations. */
async function commandOf(load: () => Promise<object>, name: OperationName): Promise<Command> {
	return ((await load()) as Record<string, Command>)[`${name}Command`] as Command;
}

/** As botocore spells methods: `get_hls_streaming_session_url`. */
function toSnakeCase(name: string): string {
	return name.replace(/(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_').toLowerCase();
}
