/** How colours become numbers: from −1 to 1, from 0 to 1, by mean and deviation of ImageNet, or as bytes. */
export const SCALES = ["signed", "unit", "imagenet", "bytes"] as const;
export type Scale = (typeof SCALES)[number];
