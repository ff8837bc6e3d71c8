/** Archives with one file, `a.txt` with the text "hello\n", as GNU tar, xz and bzip2 made them. */
export const packedArchives = {
  xz:
    "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4Cf/AFpdADCLiofEDvKXpPh1PcWp7dmabcq1hA72OBDuVeNf8G2E3NM2OZ" +
    "It5QH5bNF3rkIkcIZcG/jmsRNiRiLhXhqgiF2eJzwnvXQVmJxC0nI7i9twcgd+GTkud4CrAAAAADcev7bLcOZKAAF2" +
    "gFAAAAAxhcVkscRn+wIAAAAABFla",
  bzip2:
    "QlpoOTFBWSZTWSV6y+0AAG17gMmQAARAAVUAAAhiRJ5ABAggAFRBAAAA0EVTIMIAAfd0nFEJXIiVxkZVneglgcwp1D" +
    "eNyu1qQdAqkolIC1tHvgT8Z+OEhEQD4u5IpwoSBK9ZfaA=",
} as const;
