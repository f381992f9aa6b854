/** The values of ContainerFormat, as the service spells them. */
export const containerFormats = ['FRAGMENTED_MP4', 'MPEG_TS'] as const;

/** What the fragments of a session are packaged in (ContainerFormat). */
export type ContainerFormat = (typeof containerFormats)[number];
