// The file: chosen by a button or dropped, by mouse, touch or keyboard.
import { Button, FileUpload, Text } from "@chakra-ui/react";
import { FiFile, FiUploadCloud } from "react-icons/fi";
import { bytes } from "../parts/format";
import { ENDINGS } from "./file";

interface Props {
  choose: (file: File | undefined) => void;
  file: File | undefined;
  most: number;
}

export function FileChoice({ choose, file, most }: Props) {
  return (
    <FileUpload.Root maxFiles={1} onFileAccept={({ files }) => files[0] && choose(files[0])} preventDocumentDrop>
      <FileUpload.HiddenInput accept={ENDINGS.join(",")} aria-label="File" />
      <FileUpload.Dropzone disableClick maxWidth="42rem" minHeight="8rem" padding={4} tabIndex={-1} width="100%">
        {file ? <FiFile aria-hidden /> : <FiUploadCloud aria-hidden />}
        <Text overflowWrap="anywhere">{file ? `${file.name}, ${bytes(file.size)}` : "Drop a file here"}</Text>
        <FileUpload.Trigger asChild>
          <Button size="sm" variant="outline">
            {file ? "Choose another file" : "Choose a file"}
          </Button>
        </FileUpload.Trigger>
        <Text color="fg.muted" fontSize="sm">
          CSV, TSV or NDJSON, also with .gz, Parquet or .xlsx, up to {bytes(most)}
        </Text>
      </FileUpload.Dropzone>
    </FileUpload.Root>
  );
}
